"""How alike two pictures are to VGG-19 (arXiv 1409.1556), whose weights are the user's: torchvision's file of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.weights.loading import Checkpoint, read_tensors

_WIDTHS = (64, 64, -1, 128, 128, -1, 256, 256, 256, 256, -1, 512, 512, 512, 512, -1, 512)  # -1: halve
SEED_LAYERS = (3, 8, 13, 22)  # relu 1_2, 2_2, 3_2, 4_2
FIRST_LAYERS = (1, 6, 11, 20, 29)  # relu 1_1 to 5_1, as CP-VTON has them, with these weights:
FIRST_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's


class VGGFeatures(nn.Module):
    """What VGG-19 has at some of its layers, numbered as in torchvision's `features`.

    Args:
        normalised: pictures are brought to ImageNet's mean and deviation; else they go in as they are, in [-1, 1].
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, layers: Sequence[int] = SEED_LAYERS, *, normalised: bool = True) -> None:
        super().__init__()
        self._layers, self._normalised = tuple(layers), normalised
        self.features = nn.Sequential(*_layers()[: max(layers) + 1])
        for name, values in (("mean", _MEAN), ("deviation", _DEVIATION)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        self.eval().requires_grad_(False)

    @classmethod
    def read(cls, file: Path) -> VGGFeatures:
        """Those of torchvision's `vgg19-*.pth`, of which the classifier is not looked at.

        Raises:
            WeightsError: it is no such file.
        """
        found = cls()
        expected = {key: tensor.shape for key, tensor in found.state_dict().items()}
        tensors, problems = read_tensors(file)
        wanted = {key: tensor for key, tensor in tensors.items() if key in expected} or tensors
        found.load_state_dict(Checkpoint(file, expected, wanted, problems=problems).verified())
        return found

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Of (B, 3, H, W) in [-1, 1]."""
        found = []
        features = ((picture + 1) / 2 - self.mean) / self.deviation if self._normalised else picture
        for number, layer in enumerate(self.features):
            features = layer(features)
            if number in self._layers:
                found.append(features)
        return found


def feature_errors(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    """The mean absolute difference of each layer, (layers,)."""
    return torch.stack([F.l1_loss(a, b) for a, b in zip(one, other, strict=True)])


def style_error(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    """The sum over layers of the mean absolute difference of their Gram matrices, a scalar."""
    return torch.stack([F.l1_loss(gram(a), gram(b)) for a, b in zip(one, other, strict=True)]).sum()


def gram(features: Tensor) -> Tensor:
    """(B, C, C) of (B, C, H, W), divided by how many numbers a picture has."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def _layers() -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for width in _WIDTHS:
        if width < 0:
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [nn.Conv2d(channels, width, 3, 1, 1), nn.ReLU()]
        channels = width
    return layers
