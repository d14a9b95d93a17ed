"""The three networks at work: painting at the size they were trained at, the garment sampled at the photo's own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from PIL.Image import Resampling
from torch import Tensor

from model.engines.warp.compositing import Dressed
from model.engines.warp.geometric.knowledge import Knowledge
from model.engines.warp.geometric.matching import HEIGHT, WIDTH
from model.engines.warp.geometric.pipeline import as_flow, levels
from model.engines.warp.geometric.representation import picture_tensor
from model.engines.warp.geometric.thin_plate import ThinPlate, seen_through
from model.engines.warp.tps.inputs import GEOMETRY, geometry
from model.engines.warp.tps.network import TPSAnswer
from model.tryon.pictures import Size


@dataclass(frozen=True)
class TPSMethod:
    """See `geometric.pipeline.Method`. size: width and height that is painted at."""

    size: Size

    def inputs(self, known: Knowledge) -> tuple[Tensor, ...]:
        width, height = self.size
        small = torch.from_numpy(np.asarray(known.mask.resize((WIDTH, HEIGHT), Resampling.NEAREST)) > 0)[None, None]
        mask = torch.from_numpy(np.asarray(known.mask.resize(self.size, Resampling.NEAREST)) > 0)[None, None]
        photo = picture_tensor(known.photo.resize(self.size, Resampling.BICUBIC))[None]
        planes = geometry([known.joints], [known.body], torch.from_numpy(known.atr)[None], small.float())
        return planes, photo * ~mask, known.cloth(width, height)

    def shapes(self) -> list[tuple[int, ...]]:
        width, height = self.size
        return [(1, GEOMETRY, HEIGHT, WIDTH), (1, 3, height, width), (1, 4, height, width)]

    def dressed(self, known: Knowledge, answer: TPSAnswer) -> Dressed:
        size = width, height = known.photo.size
        grid = ThinPlate()(answer.theta.cpu().float(), (height, width))
        flow = as_flow(grid)
        colours, _ = known.garment.for_flow(flow, (height, width))
        cloth, rendered = levels(seen_through(colours, grid), size), levels(answer.rendered, size)
        share = np.asarray(cv2.resize(answer.share[0, 0].float().cpu().numpy(), size), np.float32)
        mixed = rendered + share[..., None] * (cloth.astype(np.float32) - rendered)
        return Dressed((mixed + 0.5).astype(np.uint8), cloth, share, known.garment.as_sent(flow))
