"""Rows of pictures on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from model.tryon.pictures import picture_of


def sheet(columns: Sequence[Tensor]) -> Image.Image:
    """One row a sample, from columns of (B, 3, H, W), roughly in [-1, 1]."""
    rows = torch.cat([column.float().cpu() for column in columns], dim=-1)  # (B, 3, H, columns W)
    return picture_of(torch.cat(list(rows), dim=-2))
