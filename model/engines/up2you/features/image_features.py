"""What DINOv2 sees in each place of a photo."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Dinov2Model

_MEAN = (0.485, 0.456, 0.406)  # ImageNet's, of red, green and blue
_STD = (0.229, 0.224, 0.225)  # the same


class Features(nn.Module):
    """DINOv2 behind the photos' resizing; rows are photos and independent of each other."""

    def __init__(self, dino: Dinov2Model) -> None:
        super().__init__()
        self.dino = dino
        config: Any = dino.config
        self.size: int = config.image_size
        self.grid: int = config.image_size // config.patch_size

    def forward(self, photos: Tensor) -> Tensor:
        """
        Args:
            photos: (B, 3, H, W) in 0..1, H = W.

        Returns:
            patch features, (B, g, g, C), float32; g = 37, C = 1024 for ViT-L/14.
        """
        sized = F.interpolate(photos.float(), (self.size, self.size), mode="bilinear", antialias=True)
        mean, std = (torch.tensor(each, device=photos.device).view(3, 1, 1) for each in (_MEAN, _STD))
        tokens: Tensor = self.dino(((sized - mean) / std).to(self.dino.dtype)).last_hidden_state
        return tokens[:, 1:].float().reshape(len(photos), self.grid, self.grid, -1)  # the first is no patch
