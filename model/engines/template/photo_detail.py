"""Texels painted from the photos themselves, at their full size: the pixels of the six views, which are larger, say
where in which photo to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import grid_sample

from model.avatar.painting import MeshPainter
from model.avatar.reconstruction import RADIUS
from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer
from model.engines.template.faces import face_share
from model.engines.template.gathering import MIRROR
from model.engines.template.labels import LabelledPixels, evenly_lit
from model.engines.template.sightings import PlaceMap, place_maps
from model.engines.template.trust import merged
from model.engines.template.views import ViewPixels
from model.mesh.baking import Detail
from model.mesh.mesh import Mesh
from model.mesh.rasteriser import Rasteriser
from model.mesh.view_projection import Projection

MOST_PHOTOS = 8  # that texels are painted from: those that show the most
_SHADES_SIZE = 512  # pixels a side, of photos in which faces are looked for
_CLEAR = 0.3  # belief in a photo above which it shows a face no better
_HALF = 0.4  # of one side of a face: a photo that shows less of the other shows it badly
_ASIDE = 0.01  # belief, as a share, of what another photo shows better: two that do not quite agree make four eyes
_PLAIN = 0.05  # the same of skin but for faces: what it has of pattern is mostly light
_FACE_WEIGHT = 50  # of the face as it is seen from the front, beside other views
_FACE_SLACK = 30.0  # of its depth: mouths and nostrils are painted as deep as they go
_ENOUGH = 0.1  # belief from which photos need no views beside them
_UNSEEN = 0.02  # belief below which nobody shows it, so that a photo of the other side may
_SHARPNESS = 6  # the power of belief: blends of photos are mud


@dataclass(frozen=True)
class Sightings:
    """Where in the photos the pixels of the six views are seen that show the person, P of them.

    photos: (N,) which they are; last, and mirrored, the one that shows the face, and the one that shows most of the
    other side of what no photo shows. beliefs: (N, P). points: (N, P, 2) in -1..1, across and down, as `grid_sample`
    has them. faces: (P,), how far the pixels are of the face. there: (6, h, w), which pixels of the views they are.
    """

    photos: NDArray[np.int64]
    beliefs: Floats
    points: Floats
    faces: Floats
    there: NDArray[np.bool_]

    @classmethod
    def of(cls, pixels: LabelledPixels, layers: NDArray[np.uint8], view: ViewPixels, shades: Floats) -> Sightings:
        """layers: of the photos' pixels, (N, S, S), as decided for the person. shades: (N, s, s)."""
        there = view.layers > 0
        size, wanted, places = layers.shape[1], merged(view.layers[there]), view.places[there]
        maps = place_maps(pixels, layers, shades)
        faces = face_share(places) * (wanted == BodyLayer.SKIN)
        beliefs, points = _sighted(maps, wanted, places, size)
        best = int((np.minimum(beliefs, _CLEAR) * faces).sum(1).argmax())
        beliefs *= 1 - (1 - _ASIDE) * faces * (np.arange(len(maps)) != best)[:, None]
        of_face = np.where(faces > 0, wanted, np.uint8(BodyLayer.NOTHING))
        mirrored, mirrored_points = _sighted([maps[best]], of_face, places * MIRROR, size)
        worse = _worse_half(beliefs[best] * faces, places[:, 0])
        mirrored *= faces * np.where(worse, 1, _ASIDE)
        beliefs[best] *= np.where(worse & (faces > 0), _ASIDE, 1)
        unseen = np.where(np.maximum(beliefs.max(0), mirrored[0]) < _UNSEEN, wanted, np.uint8(BodyLayer.NOTHING))
        other_side, other_points = _sighted(maps, unseen, places * MIRROR, size)
        plain = np.where(wanted == BodyLayer.SKIN, _PLAIN + (1 - _PLAIN) * faces, 1).astype(np.float32)
        beliefs, other_side = beliefs * plain, other_side * plain
        fills = int(np.minimum(other_side, _ENOUGH).sum(1).argmax())
        kept = np.sort(np.argsort(-beliefs.sum(1), kind="stable")[:MOST_PHOTOS])
        return cls(
            np.array([*kept, best, fills]),
            np.concatenate([beliefs[kept], mirrored, other_side[fills, None]]),
            np.concatenate([points[kept], mirrored_points, other_points[fills, None]]),
            faces,
            there,
        )

    def pictures(self) -> Tensor:
        """(6, 3 N + 1, h, w), to be projected: of each photo the belief, and the point times the belief; and alpha."""
        return self._pictures(self.there, self.beliefs, self.points, np.ones_like(self.faces))

    def face(self) -> Tensor:
        """(1, 3 N + 1, h, w): the same of the face, from the front."""
        front = slice(None, int(self.there[0].sum()))
        return self._pictures(self.there[:1], self.beliefs[:, front], self.points[:, front], self.faces[front])

    @staticmethod
    def _pictures(there: NDArray[np.bool_], beliefs: Floats, points: Floats, alphas: Floats) -> Tensor:
        planes = np.concatenate([beliefs[..., None], beliefs[..., None] * points], -1)  # (N, P, 3)
        values = np.concatenate([planes.transpose(0, 2, 1).reshape(-1, len(alphas)), alphas[None]])
        pictures = np.zeros((len(values), *there.shape), np.float32)
        pictures[:, there] = values
        return torch.from_numpy(pictures).transpose(0, 1)


def _sighted(
    maps: Sequence[Mapping[int, PlaceMap]], layers: NDArray[np.uint8], places: Floats, size: int
) -> tuple[Floats, Floats]:
    """Beliefs, (N, P), and points, (N, P, 2) in -1..1, of pixels of views. size: of the photos' labels."""
    beliefs = np.zeros((len(maps), len(layers)), np.float32)
    points = np.zeros((*beliefs.shape, 2), np.float32)
    for photo, of_layers in enumerate(maps):
        for layer, shown in of_layers.items():
            which = np.flatnonzero(layers == layer)
            if len(which):
                pixels, beliefs[photo, which] = shown.sighted(places[which])
                points[photo, which] = (pixels + 0.5) * (2 / size) - 1
    return beliefs, points


def _worse_half(beliefs: Floats, x: Floats) -> NDArray[np.bool_]:
    """Which pixels, (P,), are on the side of the face that a photo shows badly; none if it shows both well."""
    clear = np.minimum(beliefs, _CLEAR)
    left, right = clear[x > 0].sum(), clear[x < 0].sum()
    if min(left, right) > _HALF * max(left, right):
        return np.zeros(x.shape, bool)
    worse: NDArray[np.bool_] = x > 0 if left < right else x < 0
    return worse


def shades_of(photos: Sequence[Image.Image]) -> Floats:
    """(N, s, s): how bright RGBA photos are."""
    size = _SHADES_SIZE, _SHADES_SIZE
    grey = [np.asarray(photo.convert("L").resize(size, Image.Resampling.BOX)) for photo in photos]
    return (np.stack(grey) / 255).astype(np.float32)


def evenly_lit_photo(photo: Image.Image, gains: Floats) -> Tensor:
    """(4, H, W): evenly lit colours, and alpha, of an RGBA photo. gains: (S, S, 3)."""
    pixels = (np.asarray(photo) / 255).astype(np.float32)
    larger = cv2.resize(gains, photo.size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    even = evenly_lit(pixels[..., :3], larger)
    return torch.from_numpy(np.concatenate([even, pixels[..., 3:]], 2)).permute(2, 0, 1)


@dataclass(frozen=True)
class CloserPhotos:
    """Photos that texels are painted from. pictures: by number, (4, H, W), evenly lit colours and alpha."""

    pictures: Mapping[int, Tensor]
    sightings: Sightings

    @classmethod
    def of(
        cls,
        photos: Sequence[Image.Image],
        pixels: LabelledPixels,
        layers: NDArray[np.uint8],
        view: ViewPixels,
        gains: Floats,
    ) -> CloserPhotos:
        """photos: N RGBA pictures, of which the rest is known. gains: (N, S, S, 3), of their light."""
        sightings = Sightings.of(pixels, layers, view, shades_of(photos))
        numbers = sorted(set(sightings.photos.tolist()))
        return cls({number: evenly_lit_photo(photos[number], gains[number]) for number in numbers}, sightings)


class PhotoPainter(MeshPainter):
    """Paints meshes in the colours of the views and, where these are known, of the photos."""

    def __init__(
        self, body: Mesh, views: Sequence[Image.Image], size: int, rasteriser: Rasteriser, photos: CloserPhotos | None
    ) -> None:
        super().__init__(body, views, size, rasteriser)
        self._photos = photos

    def detail(self, mesh: Mesh) -> Detail | None:
        """The photos' colours, at their full size."""
        if self._photos is None:
            return None
        sightings = self._photos.sightings
        around = self.projection_of(mesh, sightings.pictures())
        face = self.projection_of(mesh, sightings.face(), slack=_FACE_SLACK)
        pictures = {number: picture.to(mesh.vertices) for number, picture in self._photos.pictures.items()}
        rows, _ = np.nonzero(sightings.there[0])
        of_face = rows[sightings.faces[: len(rows)] > 0]
        below = 1 - 2 * (of_face.max() + 1) / sightings.there.shape[1] if len(of_face) else 1.0
        chin, vertices = float(below) * RADIUS, self.placed(mesh).vertices
        depths = vertices[vertices[:, 1] > chin, 2]
        nape = float((depths.mean() + depths.min()) / 2) if len(depths) else 0.0
        return PhotoDetail(around, face, chin, nape, pictures, sightings.photos.tolist())


class PhotoDetail:
    """Colours of points on a mesh from the photos.

    Args:
        around: `Sightings.pictures` from six sides, projected onto the mesh.
        face: the front one alone, of the face alone.
        chin, nape: how high the face begins, and what lies behind it, as the mesh has it.
        photos: by number, (4, H, W), evenly lit colours and alpha.
        entries: (N,), the photos in the order of the pictures' channels.
    """

    def __init__(
        self,
        around: Projection,
        face: Projection,
        chin: float,
        nape: float,
        photos: Mapping[int, Tensor],
        entries: Sequence[int],
    ) -> None:
        self._around, self._face = around, face
        self._chin, self._nape = chin, nape
        self._photos, self._entries = photos, entries

    def __call__(self, points: Tensor, normals: Tensor) -> tuple[Tensor, Tensor]:
        """Colours, (P, 3) in 0..1, and how far they are to be believed, (P,) in 0..1."""
        sums, weights = self._around.shown(points, normals)
        # A face is seen from the front, whatever its folds look at.
        high = ((points[:, 1] > self._chin) & (points[:, 2] > self._nape)).nonzero()[:, 0]
        forward = torch.tensor([0.0, 0.0, 1.0]).to(points).expand(len(high), 3)
        face_sums, face_weights = self._face.shown(points[high], forward)
        sums = sums.index_add(0, high, _FACE_WEIGHT * face_sums)
        weights = weights.index_add(0, high, _FACE_WEIGHT * face_weights)
        seen = (sums / weights.clamp(min=1e-6)[:, None]).view(len(points), -1, 3)  # (P, N, 3)
        total, shares, most = torch.zeros_like(points), points.new_zeros(len(points)), points.new_zeros(len(points))
        for entry, photo in enumerate(self._entries):
            beliefs, at = seen[:, entry, 0], seen[:, entry, 1:]
            grid = (at / beliefs.clamp(min=1e-9)[:, None])[None, None]
            pixels = grid_sample(self._photos[photo][None], grid, padding_mode="border", align_corners=False)[0, :, 0]
            believed = beliefs * pixels[3] ** 2
            share = believed**_SHARPNESS
            total += share[:, None] * pixels[:3].T
            shares += share
            most = torch.maximum(most, believed)
        return total / shares.clamp(min=1e-12)[:, None], (most / _ENOUGH).clamp(max=1)
