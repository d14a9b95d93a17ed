"""Made-up people in clothes whose true surface and mask are known, as the fit of an outfit sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.body.smplx import rotation_matrices
from model.clothes.arrays import Floats
from model.clothes.poses import axis_angles
from model.clothes.wearing import worn
from model.engines.pointcloth.bodies import DISTANCE, FACING, WornBody
from model.engines.pointcloth.body import DrapedBody
from model.engines.pointcloth.body_search import axis_angle
from model.engines.pointcloth.camera import FOCAL, projected, square_around, within
from model.engines.pointcloth.fitting import Sight
from model.engines.pointcloth.rendering import BodyScene
from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import Fragments
from model.synthetic.people.body import wardrobe
from model.synthetic.people.poses import random_pose
from model.train.pointcloth.clouds import POINTS, random_betas, random_outfit, spread_over

_STRIPE = 0.24  # metres of a dark one and a light one
_UNSEEN = 7_000_000  # seeds from here on are never learned from


@dataclass(frozen=True)
class DressedPerson:
    """cloth: (F, 3, 3), the true surface's triangles before the camera, and colours of their corners, 0..1. truth:
    (4096, 3), points of it."""

    kinds: str
    worn: WornBody
    scene: BodyScene
    cloth: Floats
    colours: Floats
    truth: Tensor

    def sight(self, body: DrapedBody, count: int) -> Sight:
        frame = self.worn.frame(body)
        vertices = self.worn.vertices(body)
        points = torch.from_numpy(body.points.of(vertices.numpy())[:count])
        pixels = self.mask().nonzero().flip(1).float()
        return Sight(vertices, self.scene.faces, frame.upright(points), frame, pixels, self.scene.camera)

    def mask(self) -> Tensor:
        """(S, S) bool: where the clothes are seen."""
        return self._seen().faces[0] >= len(self.scene.faces)

    def photo(self) -> Tensor:
        """(S, S, 3), 0..1: the clothes in their colours, everything else grey."""
        seen = self._seen()
        triangle = seen.faces[0] - len(self.scene.faces)
        corners = torch.from_numpy(self.colours)[triangle.clamp(min=0)]
        painted = (seen.barycentric[0][..., None] * corners).sum(2)
        return torch.where((triangle >= 0)[..., None], painted, 0.6)

    def _seen(self) -> Fragments:
        faces = np.arange(3 * len(self.cloth)).reshape(-1, 3)
        vertices = torch.cat([self.scene.vertices, torch.from_numpy(self.cloth.reshape(-1, 3))])
        together = torch.cat([self.scene.faces, torch.from_numpy(faces) + len(self.scene.vertices)])
        pixels = projected(vertices, self.scene.camera)
        z = pixels[:, 2] / 100 - DISTANCE / 100
        clip = torch.cat([2 * (pixels[:, :2] / self.scene.size - 0.5), z[:, None], torch.ones_like(z[:, None])], 1)
        return Torch().rasterise(clip[None], together, self.scene.size, self.scene.size)


def pattern(places: Floats) -> Floats:
    """Stripes of 12 cm, and hues that change from side to side and from front to back. places: (V, 3), metres."""
    stripe = (np.sin(places[:, 1] * 2 * np.pi / _STRIPE) > 0).astype(np.float32)[:, None]
    hue = np.stack([0.5 + places[:, 0], 0.5 + 2 * places[:, 2], 0.5 - places[:, 0]], 1).clip(0.1, 0.9)
    colours: Floats = (0.35 * stripe + 0.65 * hue).astype(np.float32)
    return colours


def dressed_person(
    body: DrapedBody, number: int, size: int, yaw: float | None = None, *, wearer: int | None = None
) -> DressedPerson:
    """The person of this number, seen from somewhere in front; or another one in the same clothes."""
    cuts = random_outfit(np.random.default_rng(_UNSEEN + number))
    rng = np.random.default_rng(_UNSEEN + (number if wearer is None else wearer))
    random_outfit(rng)
    betas, pose = random_betas(rng), random_pose(rng)
    turned = float(rng.uniform(-0.6, 0.6)) if yaw is None else yaw
    angles = torch.from_numpy(axis_angles(pose))
    upright = body.model.posed(torch.from_numpy(betas), angles)
    facing = rotation_matrices(torch.tensor([FACING, [0.0, turned, 0.0]]))
    angles = angles.clone()
    angles[0] = axis_angle(facing[0] @ facing[1])
    person = WornBody(torch.from_numpy(betas), angles, torch.tensor([0.0, 0.0, DISTANCE]))
    surfaces = [surface for cut in cuts for surface in worn(wardrobe(), cut, betas, cuts)]
    transforms = upright.transforms.numpy()
    triangles = np.concatenate([surface.posed(transforms)[surface.faces] for surface in surfaces])
    frame = person.frame(body)
    colours = np.concatenate([pattern(surface.places)[surface.faces] for surface in surfaces])
    cloth = frame.world(torch.from_numpy(triangles.astype(np.float32)).reshape(-1, 3)).numpy().reshape(-1, 3, 3)
    vertices = person.vertices(body)
    camera = np.array([[FOCAL, 0, 0], [0, FOCAL, 0], [0, 0, 1.0]])
    box = square_around(vertices.double().numpy(), camera)
    scene = BodyScene(vertices, body.model.faces, torch.from_numpy(within(camera, box, size)).float(), size)
    truth = torch.from_numpy(spread_over(cloth, POINTS, rng))
    return DressedPerson(" + ".join(cut.kind for cut in cuts), person, scene, cloth, colours, truth)
