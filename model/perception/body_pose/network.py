"""Where joints are and which way limbs run, as fields at an eighth of the picture's size.

A trunk of VGG-19 gives 128 channels; six stages, each of two branches, refine the fields:

    picture ─► trunk ─┬─► stage 1 ─► stage 2 ─► ... ─► stage 6 ─► limbs (38), joints (19)
                      └────────────► each stage sees the trunk beside both fields of the one before (185 channels)

Layers are called as in the published checkpoint, whose last layer of joints has a ReLU that no other has.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LIMB_CHANNELS, JOINT_CHANNELS = 38, 19  # two for each of 19 limbs; 18 joints and the background
STAGES = 6  # as published
_TRUNK = 128  # channels
_BRANCHES = {"L1": LIMB_CHANNELS, "L2": JOINT_CHANNELS}
_POOL_AFTER = ("conv1_2", "conv2_2", "conv3_4")
_VGG = {
    "conv1_1": (3, 64),
    "conv1_2": (64, 64),
    "conv2_1": (64, 128),
    "conv2_2": (128, 128),
    "conv3_1": (128, 256),
    "conv3_2": (256, 256),
    "conv3_3": (256, 256),
    "conv3_4": (256, 256),
    "conv4_1": (256, 512),
    "conv4_2": (512, 512),
    "conv4_3_CPM": (512, 256),
    "conv4_4_CPM": (256, _TRUNK),
}


class BodyPoseNetwork(nn.Module):
    """(N, 3, H, W), H and W multiples of 8, to limbs (N, 38, H/8, W/8) and joints (N, 19, H/8, W/8)."""

    def __init__(self) -> None:
        super().__init__()
        for name, (inputs, outputs) in _VGG.items():
            self.add_module(name, nn.Conv2d(inputs, outputs, 3, padding=1))
        for branch, channels in _BRANCHES.items():
            for name, layer in _stage_layers(1, branch, channels):
                self.add_module(name, layer)
        for stage in range(2, STAGES + 1):
            for branch, channels in _BRANCHES.items():
                for name, layer in _stage_layers(stage, branch, channels):
                    self.add_module(name, layer)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        trunk = picture
        for name in _VGG:
            trunk = F.relu(self.get_submodule(name)(trunk))
            if name in _POOL_AFTER:
                trunk = F.max_pool2d(trunk, 2)
        fields = trunk
        for stage in range(1, STAGES + 1):
            limbs, joints = self._branch(fields, stage, "L1"), self._branch(fields, stage, "L2")
            fields = torch.cat([limbs, joints, trunk], dim=1)
        return limbs, F.relu(joints)

    def _branch(self, fields: Tensor, stage: int, branch: str) -> Tensor:
        *hidden, last = _stage_names(stage, branch)
        for name in hidden:
            fields = F.relu(self.get_submodule(name)(fields))
        answer: Tensor = self.get_submodule(last)(fields)
        return answer


def _stage_names(stage: int, branch: str) -> list[str]:
    if stage == 1:
        return [f"conv5_{i}_CPM_{branch}" for i in range(1, 6)]
    return [f"Mconv{i}_stage{stage}_{branch}" for i in range(1, 8)]


def _stage_layers(stage: int, branch: str, channels: int) -> Iterator[tuple[str, nn.Conv2d]]:
    if stage == 1:
        shapes = [(_TRUNK, 128, 3), (128, 128, 3), (128, 128, 3), (128, 512, 1), (512, channels, 1)]
    else:
        first = _TRUNK + LIMB_CHANNELS + JOINT_CHANNELS
        shapes = [(first, 128, 7), *[(128, 128, 7)] * 4, (128, 128, 1), (128, channels, 1)]
    for name, (inputs, outputs, size) in zip(_stage_names(stage, branch), shapes, strict=True):
        yield name, nn.Conv2d(inputs, outputs, size, padding=size // 2)
