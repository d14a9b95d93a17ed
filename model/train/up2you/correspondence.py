"""The dense truth of the aggregator: how much each place of each photo shows of what each view will show."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.avatar.pose_images import pose_images
from model.body.smplx import BodyModel
from model.clothes.wardrobe import Wardrobe
from model.engines.template.outfit import Outfit
from model.engines.template.views import view_geometry
from model.mesh.rasterise_torch import Torch
from model.synthetic.datasets.loose_photos import somebody
from model.train.up2you.people import PhotographedPeople

_POSE_SIZE, _VIEW_SIZE = 128, 16  # of the kept pose images; of the views whose pixels ask, which are twice as fine
_REACH = 0.05  # metres within which a place says something about another
_KEPT = 4096  # people in memory, of 300 KB each


class KeptViews:
    """Pose images of made-up people, and what their views' pixels show, made once and kept on disk."""

    def __init__(self, folder: Path, body: BodyModel, wardrobe: Wardrobe) -> None:
        self._folder = folder
        self._body = body
        self._wardrobe = wardrobe
        self.of = lru_cache(_KEPT)(self._of)

    def _of(self, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """poses (6, 3, size, size) in 0..1; layers (6, Q) int64; places (6, Q, 3) metres."""
        file = self._folder / f"views-{seed:06d}.npz"
        if not file.is_file():
            self._make(seed, file)
        with np.load(file) as kept:
            poses, layers, places = (torch.from_numpy(kept[name]) for name in ("poses", "layers", "places"))
        return poses.float() / 255, layers.long(), places.float()

    def _make(self, seed: int, file: Path) -> None:
        person = somebody(seed)
        outfit = Outfit(tuple(person.garments.values()), person.look.long_hair, person.betas)
        views = view_geometry(self._body, self._wardrobe, outfit, _VIEW_SIZE)  # (6, 8, q, q)
        poses = pose_images(self._body, torch.from_numpy(person.betas), _POSE_SIZE, Torch())
        partial = file.with_suffix(f".{os.getpid()}.partial.npz")
        np.savez_compressed(
            partial,
            poses=(poses * 255 + 0.5).byte().numpy(),
            layers=views[:, 3].flatten(1).round().byte().numpy(),
            places=views[:, 4:7].flatten(2).transpose(1, 2).half().numpy(),
        )
        os.replace(partial, file)


def true_weights(layers: Tensor, places: Tensor, views: tuple[Tensor, Tensor], grid: int) -> Tensor:
    """(6, N, g, g), each view's mean over all photos 1, or 0 where no photo shows anything of it.

    Every pixel of a view shares its attention among the places of the photos that show the same layer nearby, as
    exp(-d^2 / 2 (5 cm)^2); what a place gets from all pixels of the view is its weight.

    Args:
        layers: (N, s, s), of the photos. places: (N, 3, s, s) metres.
        views: layers (6, Q) and places (6, Q, 3) of their pixels.
        grid: g, places along a photo's side.
    """
    middles = ((torch.arange(grid) + 0.5) / grid * layers.shape[-1]).long().to(layers.device)
    of_photos = layers[:, middles][:, :, middles].flatten()  # (K,)
    at = places[:, :, middles][..., middles].permute(0, 2, 3, 1).reshape(-1, 3)
    maps = []
    for asked, where in zip(*views, strict=True):
        there = asked > 0
        squared = torch.cdist(where[there], at).square()
        near = torch.exp(-squared / (2 * _REACH**2)) * (asked[there][:, None] == of_photos)
        maps.append((near / near.sum(1, keepdim=True).clamp(min=1e-3)).sum(0))
    weights = torch.stack(maps)
    weights = weights / weights.mean(1, keepdim=True).clamp(min=1e-6)
    return weights.view(len(maps), len(layers), grid, grid)


def truths_of(people: PhotographedPeople, kept: KeptViews, grid: int) -> tuple[Tensor, Tensor]:
    """Pose images, (B, 6, 3, size, size), and weights, (B, 6, N, g, g), on the device of `people`."""
    device = people.places.device
    poses, maps = [], []
    for layers, places, seed in zip(people.layers, people.places, people.seeds.tolist(), strict=True):
        pose, *views = kept.of(seed)
        asked, where = (part.to(device) for part in views)
        poses.append(pose.to(device))
        maps.append(true_weights(layers, places, (asked, where), grid))
    return torch.stack(poses), torch.stack(maps)
