"""Pictures of outfits: on a photo, on a grey body, turning, and walking from one to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from model.clothes.arrays import Floats
from model.engines.pointcloth.camera import projected
from model.engines.pointcloth.cleaning import before_body
from model.engines.pointcloth.point_raster import splatted
from model.engines.pointcloth.visibility import BodyDepths, SeenPoints, body_depths, seen_points
from model.mesh.normals import vertex_normals
from model.mesh.rasterise_torch import Torch

RGBArray = NDArray[np.uint8]  # (H, W, 3)
PaintPoints = Callable[[Floats, Floats], Floats]  # features, (M, C), and where they lie, (M, 3), to colours, (M, 3)

_THRESHOLD = 2e-3  # the published one for pictures
_RIM = 0.9  # how far a disc's rim reaches beyond its point, of its radius
_THIN = 0.05  # the coverage below which a pixel takes what the next one has
_GAP, _FAR_APART = 1.6, 0.9  # a disc's radius, in distances between points, of which so many are smaller
_LEAST_RADIUS, _MOST_RADIUS = 1.5, 24.0  # pixels
_LAYER = 5e-3  # tens of metres behind the nearest point, where another layer begins
_DRAWN = 512  # pixels a side that clouds are drawn at; they hold no more
_ROUNDED, _EDGE = 0.35, 1.5  # of the outline: how widely it is smoothed, in radii, and how wide its edge is, in pixels
_BODY, _SHADE = np.array([205.0, 200.0, 196.0]), 0.55  # a warm light grey; its share that the camera's light adds


@dataclass(eq=False)
class BodyScene:
    """A body before a camera, rendered once. vertices: (V, 3), y down. faces: (F, 3). camera: (3, 3). size: of the
    square picture."""

    vertices: Tensor
    faces: Tensor
    camera: Tensor
    size: int

    @cached_property
    def depths(self) -> BodyDepths:
        """How far the body is in each pixel."""
        return body_depths(projected(self.vertices[None], self.camera), self.faces, self.size)

    def at_most(self, size: int) -> BodyScene:
        """Itself, or a smaller picture of the same."""
        if self.size <= size:
            return self
        shrunk = torch.diag(torch.tensor([size / self.size, size / self.size, 1.0])).to(self.camera)
        return BodyScene(self.vertices, self.faces, shrunk @ self.camera, size)

    def unprojected(self, depths: Floats) -> Floats:
        """(S, S, 3): what pixels show, before the camera. depths: (S, S), metres."""
        rows, columns = np.mgrid[: self.size, : self.size].astype(np.float32) + 0.5
        rays = np.stack([columns, rows, np.ones_like(rows)], -1) @ np.linalg.inv(self.camera.numpy(force=True)).T
        return np.asarray(rays * depths[..., None], np.float32)

    @cached_property
    def grey(self) -> RGBArray:
        """The body alone on white."""
        return grey_body(self)


@dataclass(frozen=True)
class Shown:
    """An outfit in a picture. colours: (S, S, 3) in 0..1. alpha: (S, S), 0..1."""

    colours: Tensor
    alpha: Tensor


def seen_in(scene: BodyScene, cloth: Tensor, threshold: float) -> SeenPoints:
    """A cloud, (N, 3), before the scene's body."""
    return seen_points(projected(cloth[None], scene.camera), scene.depths, threshold)


def disc_radius(scene: BodyScene, cloth: Tensor) -> float:
    """Pixels, so that discs of neighbouring points touch, also where they are thin."""
    places = projected(cloth, scene.camera)[:, :2]
    # In the picture points of front and back lie among each other, so neighbours are looked for in space.
    gaps = torch.cdist(cloth[:: max(1, len(cloth) // 256)], cloth)
    nearest = gaps.topk(2, largest=False).values[:, 1]
    scale = (places.amax(0) - places.amin(0)).max() / (cloth.amax(0) - cloth.amin(0))[:2].max().clamp(min=1e-6)
    return float((_GAP * nearest.quantile(_FAR_APART) * scale).clamp(_LEAST_RADIUS, _MOST_RADIUS))


def shown(
    scene: BodyScene, cloth: Tensor, features: Tensor, paint: PaintPoints | None = None, threshold: float = _THRESHOLD
) -> Shown:
    """A cloud, (N, 3), as discs of these features, (N, C), which are colours where nothing paints them."""
    layer = nearest_layer(scene.at_most(_DRAWN), cloth, features, threshold)
    size, width = scene.size, _ROUNDED * layer.radius
    outline = np.asarray(cv2.GaussianBlur(layer.mask.astype(np.float32), (0, 0), width), np.float32)
    steep = width * float(np.sqrt(2 * np.pi)) * size / len(outline) / _EDGE
    alpha: Floats = ((_enlarged(outline, size) - 0.5) * steep + 0.5).clip(0, 1)
    looks = _enlarged(layer.features, size)
    if paint is not None:
        seen = alpha > 0
        painted = np.zeros((size, size, 3), np.float32)
        painted[seen] = paint(looks[seen], scene.unprojected(_enlarged(layer.depths, size))[seen])
        looks = painted
    return Shown(torch.from_numpy(looks).to(cloth.device), torch.from_numpy(alpha).to(cloth.device))


@dataclass(frozen=True)
class PaintedLayer:
    """The nearest layer of a cloud. features: (S, S, C). depths: (S, S), metres. mask: (S, S) bool, where it is.
    radius: of its points' discs, pixels."""

    features: Floats
    depths: Floats
    mask: NDArray[np.bool_]
    radius: float


def nearest_layer(scene: BodyScene, cloth: Tensor, features: Tensor, threshold: float) -> PaintedLayer:
    """Of a cloud, (N, 3), with features, (N, C). Where no disc lies a pixel has what the nearest covered one has."""
    seen, radius = seen_in(scene, cloth, threshold), disc_radius(scene, cloth)
    splats = splatted(seen.places, seen.depths, scene.size, radius)
    depths = seen.depths[0][splats.points.clamp(min=0)]
    near = replace(splats, shares=torch.where(depths - depths[..., :1] < _LAYER, splats.shares, 0.0))
    blended = near.blended(torch.cat([features.float(), cloth[:, 2:]], 1)[None])[0]
    mean = (blended / near.coverage[0].clamp(min=1e-6)).permute(1, 2, 0).numpy(force=True)
    mask = closed_mask(splats.coverage[0, 0], radius) & before_body(seen, threshold)[0, 0]
    thin = (splats.coverage[0, 0] <= _THIN).numpy(force=True)
    if not thin.all():
        rows, columns = distance_transform_edt(thin, return_distances=False, return_indices=True)
        mean = mean[rows, columns]
    return PaintedLayer(mean[..., :-1], mean[..., -1], mask.numpy(force=True), radius)


def _enlarged(plane: Floats, size: int) -> Floats:
    return plane if len(plane) == size else np.asarray(cv2.resize(plane, (size, size)), np.float32)


def closed_mask(coverage: Tensor, radius: float) -> Tensor:
    """(S, S) bool: where discs lie, without the rim by which they reach beyond their points."""
    plane = (coverage > 0.02).numpy(force=True).astype(np.uint8)
    side = 2 * round(_RIM * radius) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    plane = np.asarray(cv2.morphologyEx(plane, cv2.MORPH_CLOSE, kernel), np.uint8)
    return torch.from_numpy(np.asarray(cv2.erode(plane, kernel)) > 0).to(coverage.device)


def outline(scene: BodyScene, cloth: Tensor, threshold: float) -> Tensor:
    """(S, S) bool: where a cloud is seen."""
    small = scene.at_most(_DRAWN)
    seen, radius = seen_in(small, cloth, threshold), disc_radius(small, cloth)
    found = closed_mask(splatted(seen.places, seen.depths, small.size, radius).coverage[0, 0], radius)
    return torch.from_numpy(_enlarged(found.float().numpy(force=True), scene.size) > 0.5)


def overlap(found: Tensor, truth: Tensor) -> float:
    """Intersection over union of masks, bool."""
    union = int((found | truth).sum())
    return int((found & truth).sum()) / union if union else 0.0


def grey_body(scene: BodyScene) -> RGBArray:
    """The body alone on white."""
    pixels = projected(scene.vertices, scene.camera)
    places = 2 * (pixels[:, :2] / scene.size - 0.5)
    z = pixels[:, 2]
    depth = (z - z.min()) / (z.max() - z.min()).clamp(min=1e-6)
    clip = torch.cat([places, depth[:, None], torch.ones_like(depth[:, None])], 1)
    fragments = Torch().rasterise(clip[None], scene.faces, scene.size, scene.size)
    normals = vertex_normals(scene.vertices, scene.faces)
    corners = normals[scene.faces[fragments.faces[0].clamp(min=0)]]
    facing = (fragments.barycentric[0][..., None] * corners).sum(2)[..., 2].abs().clamp(0, 1)
    light = (_SHADE + (1 - _SHADE) * facing).numpy(force=True)[..., None]
    inside = (fragments.faces[0] >= 0).numpy(force=True)[..., None]
    picture: RGBArray = np.where(inside, _BODY * light, 255).astype(np.uint8)
    return picture


def over(under: RGBArray, worn: Shown) -> RGBArray:
    """An outfit on a picture of the same size."""
    alpha = worn.alpha.numpy(force=True)[..., None]
    mixed = under * (1 - alpha) + 255 * worn.colours.numpy(force=True) * alpha
    picture = np.asarray(mixed + 0.5).clip(0, 255)
    return np.asarray(picture, np.uint8)


def turned(scene: BodyScene, cloth: Tensor, azimuth: float) -> tuple[BodyScene, Tensor]:
    """Body and cloud after a turn about the upright axis through the body's middle, radians."""
    middle = (scene.vertices.amax(0) + scene.vertices.amin(0)) / 2
    cosine, sine = float(np.cos(azimuth)), float(np.sin(azimuth))
    turn = torch.tensor([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]).to(cloth)
    vertices = (scene.vertices - middle) @ turn.mT + middle
    return BodyScene(vertices, scene.faces, scene.camera, scene.size), (cloth - middle) @ turn.mT + middle
