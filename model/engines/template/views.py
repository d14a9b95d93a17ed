"""The six views of a person in A pose: what each pixel shows, and its colour gathered from the photos."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from model.avatar.pose_images import HALF_HEIGHT
from model.body.smplx import BodyModel
from model.clothes.a_pose import a_pose_buffers, world_normals
from model.clothes.arrays import Floats
from model.clothes.wardrobe import Wardrobe
from model.clothes.wearing import dressed
from model.engines.template.gathering import Keys, gathered
from model.engines.template.outfit import Outfit

_OVERSAMPLING = 2  # pixels each way of which one is the mean, for smooth outlines
_GREY = 0.5  # behind the person, as published views have it


def view_geometry(body: BodyModel, wardrobe: Wardrobe, outfit: Outfit, size: int) -> Tensor:
    """Six views of somebody in these clothes, (6, 8, 2 size, 2 size), in the order of `AZIMUTHS`.

    Channels: normals of the world as colours on grey (3), layer (1), place on the template in metres (3), alpha (1).
    The first and the last are means over 2 x 2 pixels, so that they can be halved without loss.
    """
    surfaces = dressed(wardrobe, outfit.betas, outfit.cuts, long_hair=outfit.long_hair)
    seen = a_pose_buffers(body, outfit.betas, surfaces, _OVERSAMPLING * size, HALF_HEIGHT)
    views = []
    for buffers, camera in zip(seen.views, seen.cameras, strict=True):
        normals, alpha = (_doubled(plane) for plane in world_normals(buffers, camera, size))
        colours = np.where(alpha > 0, (normals + 1) / 2, _GREY)
        views.append(np.concatenate([colours, buffers.layers[..., None], buffers.places, alpha], 2))
    return torch.from_numpy(np.stack(views)).float().permute(0, 3, 1, 2).contiguous()


def _doubled(plane: Floats) -> Floats:
    doubled: Floats = plane.repeat(_OVERSAMPLING, 0).repeat(_OVERSAMPLING, 1)
    return doubled


@dataclass(frozen=True)
class ViewPixels:
    """The same for what is no network. normals: (6, s, s, 3) as colours; alphas: (6, s, s, 1); layers: (6, 2s, 2s);
    places: (6, 2s, 2s, 3)."""

    normals: Floats
    alphas: Floats
    layers: np.ndarray
    places: Floats

    @classmethod
    def of(cls, geometry: Tensor) -> ViewPixels:
        pixels = geometry.permute(0, 2, 3, 1).numpy(force=True)
        whole = pixels[:, ::_OVERSAMPLING, ::_OVERSAMPLING]
        return cls(whole[..., :3], whole[..., 7:], pixels[..., 3].round().astype(np.uint8), pixels[..., 4:7])


def painted(view: ViewPixels, keys: Keys) -> list[Image.Image]:
    """The views in colours: six RGBA pictures."""
    return [_painted(layers, places, keys) for layers, places in zip(view.layers, view.places, strict=True)]


def _painted(layers: np.ndarray, places: Floats, keys: Keys) -> Image.Image:
    there = layers > 0
    fine = np.zeros((*layers.shape, 4), np.float32)
    fine[there, :3] = gathered(keys, layers[there], places[there])
    fine[there, 3] = 1
    size = layers.shape[1] // _OVERSAMPLING, layers.shape[0] // _OVERSAMPLING
    mean: Floats = np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA))
    return _picture(mean[..., :3] / np.maximum(mean[..., 3:], 1e-6), mean[..., 3:])


def normal_pictures(view: ViewPixels) -> list[Image.Image]:
    """The views' normals: six RGBA pictures."""
    return [_picture(normals * (alpha > 0), alpha) for normals, alpha in zip(view.normals, view.alphas, strict=True)]


def _picture(colours: np.ndarray, alpha: np.ndarray) -> Image.Image:
    pixels = np.concatenate([colours, alpha], 2).clip(0, 1) * 255 + 0.5
    return Image.fromarray(pixels.astype(np.uint8), "RGBA")
