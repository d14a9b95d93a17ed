"""What moves a mesh: joints, and how far each vertex follows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import Tensor

INFLUENCES = 4  # joints a vertex may follow; what every renderer supports


@dataclass(frozen=True)
class Skin:
    """What moves each vertex.

    joints: (V, 4) int64, the strongest first, 0 where fewer are needed.
    weights: (V, 4) float32, each row sums to 1.
    """

    joints: Tensor
    weights: Tensor

    def at(self, vertices: Tensor) -> Skin:
        """The rows of the named vertices, for a mesh whose seams doubled some."""
        return Skin(self.joints[vertices], self.weights[vertices])


@dataclass(frozen=True)
class Skeleton:
    """Joints in the pose that a mesh is bound in, and the skin on them.

    names: of the J joints. parents: (J) indices, -1 at the root, before their children.
    positions: (J, 3) in metres. skin: of the mesh it belongs to. aliases: what standards call the joints, for those
    that have a name there: standard, then joint, then its name.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    positions: Tensor
    skin: Skin
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def at(self, vertices: Tensor) -> Skeleton:
        """With the skin of the named vertices."""
        return replace(self, skin=self.skin.at(vertices))


@dataclass(frozen=True)
class Clip:
    """How joints move in a while that can be repeated without a jump.

    times: (T,) seconds, from 0. turns: of joints by their names, (T, 4) quaternions x, y, z, w, in the frames that they
    have in the bind pose. root: (T, 3) metres, where the root is.
    """

    name: str
    times: Tensor
    turns: Mapping[str, Tensor]
    root: Tensor
