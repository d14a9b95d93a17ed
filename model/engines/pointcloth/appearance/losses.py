"""How far a painted outfit is from the photo: by features of VGG-19 (Simonyan and Zisserman 2015), and masks."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from model.weights.loading import Checkpoint, UnloadedNetwork, read_tensors

DICE_WEIGHT = 100.0  # beside the features' 1, as published
_WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512)  # the ten layers compared; 0 halves the picture
_MEAN = (103.939, 116.779, 123.680)  # in the order of BGR, though the colours are RGB: as the reference has it


class Perceptual(nn.Module):
    """The mean absolute difference of pictures' features, (B, 3, H, W) in -1..1, after each of ten layers, summed."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in _WIDTHS:
            if width:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            else:
                layers.append(nn.AvgPool2d(2))
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor, truth: Tensor) -> Tensor:
        return sum(l1_loss(a, b) for a, b in zip(self.seen(pictures), self.seen(truth), strict=True))  # type: ignore[return-value]

    def seen(self, pictures: Tensor) -> list[Tensor]:
        x, found = (pictures + 1) / 2 * 255 - self.mean, []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                found.append(x)
        return found


class ScaledDifferences(nn.Module):
    """Where no VGG-19 is: absolute differences of colours at five sizes, each half the one before, summed."""

    def forward(self, pictures: Tensor, truth: Tensor) -> Tensor:
        sizes = [pictures - truth]
        for _ in range(4):
            sizes.append(nn.functional.avg_pool2d(sizes[-1], 2))
        edges = [difference.diff(dim=axis).abs().mean() for difference in sizes[:2] for axis in (-1, -2)]
        return 10 * (torch.stack([difference.abs().mean() for difference in sizes]).sum() + torch.stack(edges).sum())


def perceptual_loss(file: Path) -> UnloadedNetwork[Perceptual]:
    """VGG-19 from a file of tensors named as torchvision's `features`; others in it are not read."""
    with torch.device("meta"):
        module = Perceptual().eval().requires_grad_(False)
    module.mean = torch.tensor(_MEAN).view(1, 3, 1, 1)
    tensors, problems = read_tensors(file)
    expected = {key: tensor.shape for key, tensor in module.state_dict().items()}
    return UnloadedNetwork(
        module, [Checkpoint(file, expected, {k: v for k, v in tensors.items() if k in expected}, problems=problems)]
    )


def dice(predicted: Tensor, truth: Tensor) -> Tensor:
    """Minus the logarithm of the overlap of masks, (B, 1, H, W), the mean of the batch; 0 for equal ones."""
    both, *each = ((a * b).sum((1, 2, 3)) for a, b in ((predicted, truth), (predicted, predicted), (truth, truth)))
    return -(2 * both / (each[0] + each[1] + 1e-16) + 1e-16).log().mean()
