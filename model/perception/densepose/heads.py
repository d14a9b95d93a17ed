"""What is looked for in a box: whether it is a person, where exactly, and which part of the body each pixel shows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.perception.densepose.backbone import CHANNELS, LEVELS
from model.perception.densepose.boxes import areas, clipped, looked_into, shifted, without_doubles

PARTS = 25  # of a body, the background included

# All numbers are those of the published configuration.
_BOX_SIDE, _BODY_SIDE, _SAMPLES = 7, 28, 2  # cells a side of what is seen in a box, and points averaged in each
_USUAL_LEVEL, _USUAL_SIDE = 4, 224  # the level that boxes of this side are looked for in
_SHIFT_WEIGHTS = (10.0, 10.0, 5.0, 5.0)  # that shifts are divided by: x, y, width, height
_LEAST_SCORE, _MOST_OVERLAP, _MOST_PEOPLE = 0.8, 0.5, 100  # of boxes that are kept
_FINEST_SCALE = 1 / 4  # of the finest level, beside the picture


class BoxHead(nn.Module):
    """(N, 256, 7, 7) to (N, 1024)."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(CHANNELS * _BOX_SIDE**2, 1024)
        self.fc2 = nn.Linear(1024, 1024)

    def forward(self, looks: Tensor) -> Tensor:
        return F.relu(self.fc2(F.relu(self.fc1(looks.flatten(1)))))


class BoxPredictor(nn.Module):
    """(N, 1024) to scores (N, 2), person first, and shifts (N, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_score, self.bbox_pred = nn.Linear(1024, 2), nn.Linear(1024, 4)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        return self.cls_score(hidden), self.bbox_pred(hidden)


class PyramidDecoder(nn.Module):
    """Four levels to one of the finest's size, (N, 256, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        for level in LEVELS:
            layers: list[nn.Module] = []
            for _ in range(max(level - LEVELS[0], 1)):
                layers.append(ReluConvolution())
                if level > LEVELS[0]:
                    layers.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
            self.add_module(f"p{level}", nn.Sequential(*layers))
        self.predictor = nn.Conv2d(CHANNELS, CHANNELS, 1)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        scaled = [self.get_submodule(f"p{level}")(features) for level, features in zip(LEVELS, levels, strict=False)]
        decoded: Tensor = self.predictor(torch.stack(scaled).sum(0))
        return decoded


class ReluConvolution(nn.Conv2d):
    """A convolution and the ReLU after it."""

    def __init__(self) -> None:
        super().__init__(CHANNELS, CHANNELS, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(super().forward(features))


class BodyHead(nn.Module):
    """(N, 256, 28, 28) to (N, 512, 28, 28)."""

    def __init__(self) -> None:
        super().__init__()
        for i in range(1, 9):
            self.add_module(f"body_conv_fcn{i}", nn.Conv2d(CHANNELS if i == 1 else 512, 512, 3, padding=1))

    def forward(self, looks: Tensor) -> Tensor:
        for layer in self.children():
            looks = F.relu(layer(looks))
        return looks


class BodyPredictor(nn.Module):
    """(N, 512, 28, 28) to who (N, 2, 112, 112) and which part (N, 25, 112, 112).

    Where on the part (`u_lowres`, `v_lowres`) is in the checkpoint, and nobody asks for it.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, channels in (("ann_index", 2), ("index_uv", PARTS), ("u", PARTS), ("v", PARTS)):
            self.add_module(f"{name}_lowres", nn.ConvTranspose2d(512, channels, 4, stride=2, padding=1))

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        coarse, fine = (self.get_submodule(f"{name}_lowres")(hidden) for name in ("ann_index", "index_uv"))
        return _doubled(coarse), _doubled(fine)


def _doubled(logits: Tensor) -> Tensor:
    return F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)


class Heads(nn.Module):
    """Everything that looks into boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.box_head, self.box_predictor = BoxHead(), BoxPredictor()
        self.decoder, self.densepose_head, self.densepose_predictor = PyramidDecoder(), BodyHead(), BodyPredictor()

    def people(self, levels: Sequence[Tensor], proposals: Tensor, height: int, width: int) -> Tensor:
        """(N, 4): boxes of people, the surest first."""
        logits, deltas = self.box_predictor(self.box_head(looks_by_level(levels, proposals)))
        scores = logits.softmax(dim=1)[:, 0]
        boxes = clipped(shifted(proposals, deltas, _SHIFT_WEIGHTS), height, width)
        sure = scores > _LEAST_SCORE
        boxes, scores = boxes[sure], scores[sure]
        return boxes[without_doubles(boxes, scores, _MOST_OVERLAP)[:_MOST_PEOPLE]]

    def body(self, levels: Sequence[Tensor], box: Tensor) -> tuple[Tensor, Tensor]:
        """Who (2, 112, 112) and which part (25, 112, 112) in one box, (1, 4)."""
        looks = looked_into(self.decoder(levels)[0], box, _FINEST_SCALE, _BODY_SIDE, _SAMPLES)
        coarse, fine = self.densepose_predictor(self.densepose_head(looks))
        return coarse[0], fine[0]


def looks_by_level(levels: Sequence[Tensor], boxes: Tensor) -> Tensor:
    """(N, 256, 7, 7): each box looked for in the level of its size."""
    wanted = (_USUAL_LEVEL + torch.log2(areas(boxes).sqrt() / _USUAL_SIDE + 1e-8)).floor().clamp(LEVELS[0], LEVELS[-1])
    looks = boxes.new_zeros((len(boxes), CHANNELS, _BOX_SIDE, _BOX_SIDE))
    for level, features in zip(LEVELS, levels, strict=False):
        if (here := wanted == level).any():
            looks[here] = looked_into(features[0], boxes[here], 2.0**-level, _BOX_SIDE, _SAMPLES)
    return looks
