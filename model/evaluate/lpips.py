"""LPIPS, the distance of two pictures as a SqueezeNet sees them (Zhang et al., 2018), version 0.1.

torchmetrics has it, with the trained heads in its package, but takes the network from torchvision, which this project
does without. So the network stands here, and its published weights come from a file of the user.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import cast

import torch
from PIL import Image
from torch import Tensor, nn

from model.errors import InputError, WeightsError
from model.tryon.pictures import image_tensor

_STAGE_ENDS = (1, 4, 7, 9, 10, 11, 12)  # layers whose outputs are compared
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # as in the reference implementation


class Fire(nn.Module):
    """Squeeze to few channels, expand by two convolutions side by side (Iandola et al., 2016)."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], 1).relu()


def squeezenet() -> nn.Sequential:
    """The layers of SqueezeNet 1.1 up to its classifier, numbered as in torchvision's published files."""

    def pool() -> nn.MaxPool2d:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return nn.Sequential(
        *(nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool()),
        *(Fire(64, 16, 64), Fire(128, 16, 64), pool()),
        *(Fire(128, 32, 128), Fire(256, 32, 128), pool()),
        *(Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256)),
    )


class Lpips:
    """The distance; see above.

    Args:
        file: torchvision's `squeezenet1_1-....pth`, the state dict of the whole network.
        device: where it runs.

    Raises:
        WeightsError: the file cannot be read or holds another network.
    """

    def __init__(self, file: Path, device: torch.device) -> None:
        self.network = squeezenet().eval().to(device)
        self.device = device
        try:
            states = torch.load(file, map_location=device, weights_only=True)
            features = {k.removeprefix("features."): v for k, v in states.items() if k.startswith("features.")}
            self.network.load_state_dict(features)
        except Exception as error:  # of reading, unpickling or shapes, each of another kind
            raise WeightsError(f"{file} is no SqueezeNet 1.1: {str(error).splitlines()[0]}") from error
        self._heads = [head.to(device) for head in _heads()]

    def __call__(self, result: Image.Image, truth: Image.Image) -> float:
        """0 for equal pictures. Both RGB of one size.

        Raises:
            InputError: they differ in size.
        """
        if result.size != truth.size:
            raise InputError(f"the result is {result.size}, its truth {truth.size}", field="result")
        return float(self.distance(image_tensor(result), image_tensor(truth)))

    @torch.inference_mode()
    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """(N,) of two (N, 3, H, W) in [-1, 1]."""
        pairs = zip(self._seen(first), self._seen(second), self._heads, strict=True)
        distances = [((a - b) ** 2 * head).sum(1).mean((1, 2)) for a, b, head in pairs]
        return torch.stack(distances).sum(0)

    def _seen(self, pictures: Tensor) -> list[Tensor]:
        """What each stage sees, (N, C, h, w), of unit length at every place."""
        shift, scale = (torch.tensor(values, device=self.device)[:, None, None] for values in (_SHIFT, _SCALE))
        x = (pictures.to(self.device) - shift) / scale
        stages = []
        for i, layer in enumerate(self.network):
            x = layer(x)
            if i in _STAGE_ENDS:
                stages.append(x / (x.square().sum(1, keepdim=True) + 1e-8).sqrt())
        return stages


def _heads() -> list[Tensor]:
    """The weight of each channel of each stage, (C, 1, 1), from torchmetrics' package."""
    file = files("torchmetrics.functional.image") / "lpips_models/squeeze.pth"
    with file.open("rb") as opened:
        states = cast(dict[str, Tensor], torch.load(opened, map_location="cpu", weights_only=True))
    return [states[f"lin{i}.model.1.weight"][0] for i in range(len(_STAGE_ENDS))]
