"""From a photo to the part of the body that each pixel shows, as the published DensePose R-CNN finds it.

photo ─► backbone ─► five levels ─► proposals ─► boxes of people ─► the surest one ─► its parts ─► pasted back
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from model.errors import WeightsError
from model.perception.densepose.backbone import Backbone
from model.perception.densepose.heads import Heads
from model.perception.densepose.proposals import Proposals

Labels = NDArray[np.uint8]

_SHORT_SIDE, _LONG_SIDE, _MULTIPLE = 800, 1333, 32  # pixels of what it sees, as published
_MEAN = (103.53, 116.28, 123.675)  # of blue, green and red


class DensePose(nn.Module):
    """The networks, called as in the published checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.proposal_generator, self.roi_heads = Backbone(), Proposals(), Heads()

    @torch.inference_mode()
    def labels(self, picture: Image.Image) -> Labels:
        """The part, 1..24, of each pixel of an RGB picture that shows the surest person; 0 elsewhere."""
        seen, height, width = network_input(picture)
        levels = self.backbone(seen)
        proposals = self.proposal_generator(levels, height, width)
        people = self.roi_heads.people(levels, proposals, height, width)
        if not len(people):
            return np.zeros((picture.height, picture.width), np.uint8)
        coarse, fine = self.roi_heads.body(levels, people[:1])
        scale = torch.tensor([picture.width / width, picture.height / height]).repeat(2)
        return pasted(coarse, fine, people[0] * scale, picture.size)


def network_input(picture: Image.Image) -> tuple[Tensor, int, int]:
    """(1, 3, H, W), blue first, padded to multiples of 32; and height and width before padding."""
    factor = _SHORT_SIDE / min(picture.size)
    factor = min(factor, _LONG_SIDE / max(picture.size))
    width, height = (int(factor * side + 0.5) for side in picture.size)
    levels = np.asarray(picture.resize((width, height), Resampling.BILINEAR), dtype=np.float32)[..., ::-1]
    centred = levels - np.array(_MEAN, np.float32)
    tensor = torch.from_numpy(np.ascontiguousarray(centred.transpose(2, 0, 1)[None]))
    return F.pad(tensor, (0, -width % _MULTIPLE, 0, -height % _MULTIPLE)), height, width


def pasted(coarse: Tensor, fine: Tensor, box: Tensor, size: tuple[int, int]) -> Labels:
    """Parts (25, s, s) where somebody (2, s, s) is, in their box, (4,), of a picture of `size`, (width, height)."""
    left, top = int(box[0]), int(box[1])
    width, height = max(int(box[2] - box[0]), 1), max(int(box[3] - box[1]), 1)
    somebody, part = (
        F.interpolate(logits[None], (height, width), mode="bilinear", align_corners=False)[0].argmax(0)
        for logits in (coarse, fine)
    )
    labels = np.zeros((size[1], size[0]), np.uint8)
    inside = torch.where(somebody > 0, part, 0).to(torch.uint8).numpy()
    labels[top : top + height, left : left + width] = inside[: size[1] - top, : size[0] - left]
    return labels


def read_densepose(file: Path) -> DensePose:
    """The network with the tensors of `file`, as `published.py` writes it.

    Raises:
        WeightsError: it cannot be read, or lacks a tensor, or has one too many or of another shape.
    """
    with torch.device("meta"):
        network = DensePose()
    try:
        network.load_state_dict(load_file(file), strict=True, assign=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsError(f"{file}: is not DensePose's network ({str(error).splitlines()[0]})") from error
    return network.eval()
