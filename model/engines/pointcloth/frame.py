"""The upright frame the network sees a body in: its root at rest, turned to face +Z, wherever it stands."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.body.smplx import rotation_matrices

# Where the authors' body has its root: of the published weights.
SMPL_ROOT = (-0.0033, -0.2314, 0.0212)


@dataclass(frozen=True)
class RootFrame:
    """translation, root: (3,), metres. turn: (3, 3), the root's rotation of column vectors."""

    translation: Tensor
    turn: Tensor
    root: Tensor

    @classmethod
    def of(cls, translation: Tensor, orientation: Tensor, root: Tensor) -> RootFrame:
        """orientation: (3,), axis times angle in radians."""
        return cls(translation, rotation_matrices(orientation[None])[0], root)

    def upright(self, points: Tensor) -> Tensor:
        """Points of the world, (..., 3), in the frame."""
        return (points - self.translation - self.root) @ self.turn + self.root

    def world(self, points: Tensor) -> Tensor:
        """The inverse of `upright`."""
        return (points - self.root) @ self.turn.mT + self.root + self.translation

    def to(self, device: torch.device) -> RootFrame:
        return RootFrame(self.translation.to(device), self.turn.to(device), self.root.to(device))
