"""The body of somebody in a photo: shape, pose and place, so that its parts lie where DensePose's labels are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.body.joints import JOINTS
from model.body.smplx import BodyModel, rotation_matrices
from model.engines.pointcloth.bodies import FACING, WornBody
from model.engines.pointcloth.codes import OutfitCode
from model.errors import InputError

# What a part is, its labels in DensePose, and the joints whose skin it is.
_PARTS: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = (
    ((1, 2), ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar")),
    ((23, 24), ("head", "jaw", "neck")),
    ((15, 17), ("left_shoulder",)),
    ((16, 18), ("right_shoulder",)),
    ((19, 21), ("left_elbow",)),
    ((20, 22), ("right_elbow",)),
    ((8, 10), ("left_hip",)),
    ((7, 9), ("right_hip",)),
    ((12, 14), ("left_knee",)),
    ((11, 13), ("right_knee",)),
    ((5,), ("left_ankle", "left_foot")),
    ((6,), ("right_ankle", "right_foot")),
    ((4,), ("left_wrist",)),
    ((3,), ("right_wrist",)),
)
_BACK, _FRONT = 1, 2  # DensePose's labels of the trunk
_TURNED = ("spine1", "spine2", "head", "left_collar", "right_collar")
_SWUNG = ("left_hip", "right_hip", "left_knee", "right_knee", "left_shoulder", "right_shoulder")
_BENT = ("left_elbow", "right_elbow")
_LEAST_PIXELS, _PIXELS, _VERTICES = 12, 90, 50  # of a part
_LEAST_OF_TRUNK = 40  # pixels: with fewer nobody is there, or too far away to dress
_ITERATIONS, _FIRST, _RATE = 160, 40, 0.04  # of the best start, of each start before; of Adam, radians a step at most
_YAWS = (0.0, 0.7, -0.7)  # radians that starts are turned by: few people stand farther off the front, or the back
_ARMS_DOWN = 1.0  # radians below the T pose, at the start
_STIFF, _SHAPELESS = 0.004, 0.002  # of the loss, per squared radian and squared coefficient
_HIDDEN = 0.35  # how much a vertex counts that no pixel may show


@dataclass(frozen=True)
class SeenParts:
    """The pixels of each part that is seen. places: (M, 2) of each, in pictures' heights from the middle."""

    places: list[Tensor]
    parts: list[int]
    faces_away: bool


def seen_parts(densepose: NDArray[np.uint8], field: str) -> SeenParts:
    """Of DensePose's labels, (H, W), of the photo in a request's field.

    Raises:
        InputError: `no_person`.
    """
    rng, (height, width) = np.random.default_rng(0), densepose.shape
    if (np.isin(densepose, _PARTS[0][0])).sum() < _LEAST_OF_TRUNK:
        raise InputError(f"nobody's trunk was found in '{field}'", code=OutfitCode.NO_PERSON, field=field)
    places, parts = [], []
    for part, (labels, _) in enumerate(_PARTS):
        pixels = np.argwhere(np.isin(densepose, labels))[:, ::-1] + 0.5
        if len(pixels) < _LEAST_PIXELS:
            continue
        chosen = pixels[rng.choice(len(pixels), min(_PIXELS, len(pixels)), replace=False)]
        places.append(torch.tensor((chosen - [width // 2, height // 2]) / height, dtype=torch.float32))
        parts.append(part)
    return SeenParts(places, parts, bool((densepose == _BACK).sum() > (densepose == _FRONT).sum()))


class BodySearch:
    """Moves a body until its parts lie where the photo's are, by gradients, from three starts turned differently.

    It advances as far as it is told, so that others have their turn in between.

    Args:
        focal: of the camera, in pictures' heights.
    """

    total = len(_YAWS) * _FIRST + _ITERATIONS

    def __init__(self, model: BodyModel, seen: SeenParts, focal: float) -> None:
        self.done = 0
        self._skin = _skin_of(model)
        self._seen, self._focal = seen, focal
        self._starts = [_Guess.of(model, seen, focal, yaw) for yaw in _YAWS]
        self._optimisers = [guess.optimiser() for guess in self._starts]
        self._losses = [float("inf")] * len(_YAWS)

    def advance(self, iterations: int) -> None:
        """Some more: first of all starts, then of the best."""
        for _ in range(min(iterations, self.total - self.done)):
            first = self.done // _FIRST
            which = first if first < len(_YAWS) else int(np.argmin(self._losses))
            self._iterate(which)
            self.done += 1

    def body(self) -> WornBody:
        """The best so far."""
        guess = self._starts[int(np.argmin(self._losses))]
        with torch.no_grad():
            return WornBody(guess.betas.detach().clone(), guess.pose().detach(), guess.translation().detach().clone())

    def _iterate(self, which: int) -> None:
        guess = self._starts[which]
        with torch.enable_grad():
            vertices = self._skin.posed(guess.betas, guess.pose()) + guess.translation()
            seen = vertices[:, :2] / vertices[:, 2:] * self._focal
            loss = self._apart(seen) + guess.strangeness()
        self._optimisers[which].zero_grad()
        torch.autograd.backward(loss)
        self._optimisers[which].step()
        self._losses[which] = float(loss.detach())

    def _apart(self, seen: Tensor) -> Tensor:
        """How far pixels are from their part of the body, and it from them, in pictures' heights."""
        apart = []
        for part, pixels in zip(self._seen.parts, self._seen.places, strict=True):
            gaps = torch.cdist(pixels[None], seen[self._skin.of_part[part]][None])[0]
            apart.append(gaps.amin(1).mean() + _HIDDEN * gaps.amin(0).mean())
        return torch.stack(apart).mean()


@dataclass
class _Skin:
    """Some vertices of a body, a few of each part."""

    template: Tensor
    shapes: Tensor
    joints: Tensor
    joint_shapes: Tensor
    weights: Tensor
    parents: list[int]
    of_part: list[Tensor]

    def posed(self, betas: Tensor, pose: Tensor) -> Tensor:
        """(V', 3) around the root's place at rest."""
        rest, joints = self.template + self.shapes @ betas, self.joints + self.joint_shapes @ betas
        turns = rotation_matrices(pose)
        turned, place = [turns[0]], [joints[0]]
        for joint, parent in enumerate(self.parents[1:], 1):
            place.append(place[parent] + turned[parent] @ (joints[joint] - joints[parent]))
            turned.append(turned[parent] @ turns[joint])
        all_turns, places = torch.stack(turned), torch.stack(place)
        moved = torch.einsum("jab,vb->vja", all_turns, rest) - torch.einsum("jab,jb->ja", all_turns, joints) + places
        return (self.weights[..., None] * moved).sum(1)


def _skin_of(model: BodyModel) -> _Skin:
    strongest = model.weights.argmax(1)
    generator = np.random.default_rng(0)
    chosen: list[Tensor] = []
    of_part: list[Tensor] = []
    for _, names in _PARTS:
        joints = torch.tensor([JOINTS.index(name) for name in names])
        vertices = torch.isin(strongest, joints).nonzero()[:, 0].numpy()
        taken = generator.choice(vertices, min(_VERTICES, len(vertices)), replace=False)
        start = sum(len(part) for part in of_part)
        of_part.append(torch.arange(start, start + len(taken)))
        chosen.append(torch.from_numpy(np.sort(taken)))
    kept = torch.cat(chosen)
    used = 22  # joints of the body; fingers and face are at rest
    weights = model.weights[kept][:, :used]
    return _Skin(
        model.template[kept],
        model.shape_directions[kept],
        (model.joint_regressor @ model.template)[:used],
        torch.einsum("jv,vak->jak", model.joint_regressor[:used], model.shape_directions),
        weights / weights.sum(1, keepdim=True).clamp(min=1e-6),
        model.parents[:used].tolist(),
        of_part,
    )


@dataclass
class _Guess:
    """A body on its way from mean shape and hanging arms to what the photo shows, and the tensors that are moved."""

    betas: Tensor
    root: Tensor  # (3,), turned after facing the camera
    place: Tensor  # (3,): across, down, and the logarithm of the distance
    turned: Tensor
    swung: Tensor
    bent: Tensor
    joints: int
    facing: Tensor

    @classmethod
    def of(cls, model: BodyModel, seen: SeenParts, focal: float, yaw: float) -> _Guess:
        trunk = seen.places[0]
        shown = torch.cat(seen.places)
        high = float(shown[:, 1].max() - shown[:, 1].min())
        legs = any(part in seen.parts for part in (8, 9))
        tall = float(model.template[:, 1].max() - model.template[:, 1].min()) * (1.0 if legs else 0.62)
        distance = focal * tall / max(high, 0.05)
        low = float(trunk[:, 1].quantile(0.85))
        middle = torch.tensor([float(trunk[:, 0].median()), low]) * distance / focal
        guess = cls(
            torch.zeros(10),
            torch.tensor([0.0, yaw, 0.0]),
            torch.tensor([float(middle[0]), float(middle[1]), float(np.log(distance))]),
            torch.zeros(len(_TURNED), 3),
            torch.zeros(len(_SWUNG), 3),
            torch.zeros(len(_BENT), 3),
            len(model.parents),
            rotation_matrices(torch.tensor([FACING]))[0],
        )
        guess.swung[_SWUNG.index("left_shoulder"), 2] = -_ARMS_DOWN
        guess.swung[_SWUNG.index("right_shoulder"), 2] = _ARMS_DOWN
        if seen.faces_away:
            guess.root[1] += np.pi
        guess._first_yaw = float(guess.root[1])
        for tensor in guess.free():
            tensor.requires_grad_()
        return guess

    _first_yaw: float = 0.0

    def free(self) -> list[Tensor]:
        return [self.betas, self.root, self.place, self.turned, self.swung, self.bent]

    def optimiser(self) -> torch.optim.Adam:
        fast = [tensor for tensor in self.free() if tensor is not self.place]
        moved = torch.optim.Adam(fast, _RATE)
        moved.add_param_group({"params": [self.place], "lr": _RATE / 2})
        return moved

    def pose(self) -> Tensor:
        """(J, 3) radians: axis times angle of each joint."""
        angles = torch.zeros(self.joints, 3)
        turn = self.facing @ rotation_matrices(self.root[None])[0]
        rows = [angles[i] for i in range(self.joints)]
        rows[0] = axis_angle(turn)
        for names, tensor in ((_TURNED, self.turned), (_SWUNG, self.swung), (_BENT, self.bent)):
            for name, vector in zip(names, tensor, strict=True):
                rows[JOINTS.index(name)] = vector
        return torch.stack(rows)

    def translation(self) -> Tensor:
        """(3,) metres before the camera."""
        return torch.cat([self.place[:2], self.place[2:].exp()])

    def strangeness(self) -> Tensor:
        """A penalty of poses and shapes that are rare, a scalar."""
        arms = torch.zeros_like(self.swung)
        arms[_SWUNG.index("left_shoulder"), 2], arms[_SWUNG.index("right_shoulder"), 2] = -_ARMS_DOWN, _ARMS_DOWN
        stiff = 4 * self.turned.square().sum() + (self.swung - arms).square().sum() + self.bent.square().sum() / 2
        tilt = self.root[[0, 2]].square().sum() * 4
        return _STIFF * (stiff + tilt) + _SHAPELESS * self.betas.square().sum()


def axis_angle(turn: Tensor) -> Tensor:
    """(3,) of a rotation, (3, 3), by its quaternion; differentiable but for turns of exactly zero."""
    diagonal = torch.stack(
        [
            1 + turn[0, 0] - turn[1, 1] - turn[2, 2],
            1 - turn[0, 0] + turn[1, 1] - turn[2, 2],
            1 - turn[0, 0] - turn[1, 1] + turn[2, 2],
            1 + turn[0, 0] + turn[1, 1] + turn[2, 2],
        ]
    )
    largest = int(diagonal.argmax())
    half = diagonal[largest].clamp(min=1e-9).sqrt() / 2
    x, y, z = (turn[2, 1] - turn[1, 2]), (turn[0, 2] - turn[2, 0]), (turn[1, 0] - turn[0, 1])
    if largest == 3:
        vector, real = torch.stack([x, y, z]) / (4 * half), half
    else:
        symmetric = (turn[largest] + turn[:, largest]) / (4 * half)
        vector = torch.stack([half if i == largest else symmetric[i] for i in range(3)])
        real = (x, y, z)[largest] / (4 * half)
    length = vector.norm().clamp(min=1e-9)
    angle: Tensor = 2 * torch.atan2(length, real)
    return torch.mul(vector / length, angle)


def sought(model: BodyModel, densepose: NDArray[np.uint8], focal: float, field: str) -> BodySearch:
    """A search that has not begun. focal: pixels."""
    return BodySearch(model, seen_parts(densepose, field), focal / densepose.shape[0])
