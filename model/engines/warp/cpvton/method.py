"""The published networks at work, at the one size they know, with 8 bits between the two as they were trained."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from torch import Tensor, nn

from model.engines.warp.compositing import Dressed
from model.engines.warp.cpvton.tryon_module import PublishedTryOn, as_stored, stored_mask
from model.engines.warp.geometric.knowledge import Knowledge
from model.engines.warp.geometric.matching import HEIGHT, PERSON, WIDTH, GeometricMatching
from model.engines.warp.geometric.pipeline import as_flow, levels
from model.engines.warp.geometric.representation import HEAD, KEPT, person_channels
from model.engines.warp.geometric.thin_plate import seen_through
from model.engines.warp.grids import enlarged


class PublishedAnswer(NamedTuple):
    """result, cloth: (B, 3, 256, 192) in [-1, 1], the second the garment through the spline. share: (B, 1, 256, 192).
    grid: (B, 256, 192, 2)."""

    result: Tensor
    cloth: Tensor
    share: Tensor
    grid: Tensor


class CPVTON(nn.Module):
    """Both networks. Rows are independent."""

    def __init__(self) -> None:
        super().__init__()
        self.gmm = GeometricMatching(garment=1, last=2)
        self.tom = PublishedTryOn()

    def forward(self, head: Tensor, kept: Tensor, cloth: Tensor, mask: Tensor) -> PublishedAnswer:
        """
        Args:
            head, kept: (B, 22, 256, 192), the person as either network sees them.
            cloth: (B, 3, 256, 192) in [-1, 1], on white. mask: (B, 1, 256, 192), 0 or 1.
        """
        grid = self.gmm.grid(self.gmm(head, mask), (HEIGHT, WIDTH))
        warped = as_stored(seen_through(cloth, grid))
        cover = stored_mask(seen_through(mask, grid, "zeros"))
        worn = self.tom(kept, warped, cover)
        return PublishedAnswer(worn.result, warped, worn.share * cover, grid)


class CPVTONMethod:
    """See `geometric.pipeline.Method`."""

    def inputs(self, known: Knowledge) -> tuple[Tensor, ...]:
        person = [person_channels(known.small, known.lip, known.body, known.joints, kept) for kept in (HEAD, KEPT)]
        cloth = known.cloth(WIDTH, HEIGHT)
        return (*person, cloth[:, :3], (cloth[:, 3:] >= 0.5).float())

    def shapes(self) -> list[tuple[int, ...]]:
        return [(1, channels, HEIGHT, WIDTH) for channels in (PERSON, PERSON, 3, 1)]

    def dressed(self, known: Knowledge, answer: PublishedAnswer) -> Dressed:
        width, height = known.photo.size
        share = np.asarray(cv2.resize(answer.share[0, 0].cpu().numpy(), (width, height)), np.float32)
        flow = known.garment.as_sent(enlarged(as_flow(answer.grid.cpu()), (height, width)))
        result, cloth = (levels(picture, (width, height)) for picture in (answer.result, answer.cloth))
        return Dressed(result, cloth, share, flow)
