"""Training of the draping network and of a code for each outfit, by what clothes they make of a body."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from torch import Generator, Tensor, nn

from model.clothes.arrays import Floats
from model.engines.pointcloth.body import spread_samples
from model.engines.pointcloth.chamfer import squared_gaps
from model.engines.pointcloth.drape.network import CODE, DrapeSizes, DrapingNetwork
from model.engines.pointcloth.files import BODY_POINTS, CODES, DRAPING
from model.engines.pointcloth.outfit_codes import in_unit_ball
from model.synthetic.people.body import body_model
from model.train.pointcloth.clouds import POINTS, Clouds, kept_clouds, kinds_worn, samples
from model.train.pointcloth.settings import DrapeTraining

_log = logging.getLogger(__name__)

_ANCHORS, _FAR = 256, 0.15  # body points; metres to cloth, beyond which one is bare
_CODE_LENGTH = 0.4  # of first codes, on average
_TINY = 1e-6  # square metres, so that a root has a slope at 0
_PER = 3  # true points a point
_NEIGHBOURS = 4  # body points whose cloth is to stay as near to each other
_POINTS_WORN = 8192  # of the clouds that are made with the weights
_LEAST_WORN = 0.01  # share of the outfits, below which a kind gets no name
_CELL = 160  # pixels of a cell of the sheet


@dataclass(frozen=True)
class CloudBatch:
    """bodies: (B, N, 3). clothes: (B, M, 3). outfits: (B,)."""

    bodies: Tensor
    clothes: Tensor
    outfits: Tensor


class CloudSource:
    """Pairs, each with other points of both in every batch."""

    def __init__(self, clouds: Clouds, points: int) -> None:
        self._clouds, self._points = clouds, points

    def __len__(self) -> int:
        return len(self._clouds.outfits)

    def batch(self, numbers: Sequence[int]) -> CloudBatch:
        """These pairs together, on the host, each with other points of both."""
        rows, rng = list(numbers), np.random.default_rng(list(numbers))
        many = round(self._points * 2 ** rng.uniform(-1, 1))  # so that it knows dense clouds and thin ones
        taken = [np.sort(rng.choice(POINTS, min(count, POINTS), replace=False)) for count in (many, _PER * many)]
        bodies, clothes = self._clouds.bodies[rows][:, taken[0]], self._clouds.clothes[rows][:, taken[1]]
        outfits = torch.from_numpy(self._clouds.outfits[rows])
        return CloudBatch(torch.from_numpy(bodies).float(), torch.from_numpy(clothes).float(), outfits)


class DrapeAndCodes(nn.Module):
    """The draping network, and the codes of the outfits it learns from, (outfits, 8)."""

    def __init__(self, sizes: DrapeSizes, codes: Tensor, code_rate: float) -> None:
        super().__init__()
        self.draping = DrapingNetwork(sizes)
        for name, parameter in self.draping.named_parameters():
            if name.endswith("log_R"):
                nn.init.normal_(parameter)  # heads look at the body from all sides
        self._rate = code_rate
        self.scaled_codes = nn.Parameter(codes / code_rate)  # Adam's steps are of the parameter's own scale

    @property
    def codes(self) -> Tensor:
        """(outfits, 8)."""
        return in_unit_ball(self._rate * self.scaled_codes)

    def forward(self, bodies: Tensor, outfits: Tensor) -> Tensor:
        cloth: Tensor = self.draping(bodies, self.codes[outfits])
        return cloth


class DrapeTask:
    """From points of a body and an outfit's number to points of clothing."""

    module: nn.Module

    def __init__(self, settings: DrapeTraining, device: torch.device) -> None:
        self._settings, self._device = settings, device
        clouds = kept_clouds(settings.data, settings.outfits, settings.bodies, settings.seed)
        self.source = CloudSource(clouds, settings.points)
        heads = tuple(zip(settings.features, settings.flat, settings.spatial, strict=True))
        codes = first_codes(clouds)
        self.module = DrapeAndCodes(DrapeSizes(settings.encoder, settings.width, heads), codes, settings.code_rate)

    def loss(self, module: nn.Module, batch: CloudBatch, generator: Generator) -> Tensor:
        """The mean distance to the nearest point, both ways, and how far neighbours part, centimetres."""
        bodies = batch.bodies.to(self._device)
        cloth = module(bodies, batch.outfits.to(self._device))
        gaps = squared_gaps(cloth, batch.clothes.to(self._device))
        distance: Tensor = 100 * sum((gap + _TINY).sqrt().mean() for gap in gaps)  # type: ignore[assignment]
        return distance + self._settings.smoothness * 100 * parting(bodies, cloth)

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """Clothes made (left) and true (right) of the first pairs, from in front and from the side."""
        pairs = self._settings.pictures
        batch = self.source.batch(np.linspace(0, len(self.source) - 1, pairs).astype(int).tolist())
        was_training = self.module.training
        cloth = self.module.eval()(batch.bodies.to(self._device), batch.outfits.to(self._device)).cpu()
        self.module.train(was_training)
        cells = [
            _cloud_picture(points[row], across)
            for row in range(pairs)
            for points in (cloth, batch.clothes)
            for across in (0, 2)
        ]
        sheet = Image.new("RGB", (4 * _CELL, pairs * _CELL * 3 // 2))
        for i, cell in enumerate(cells):
            sheet.paste(cell, (i % 4 * _CELL, i // 4 * cell.height))
        return sheet

    def write(self) -> None:
        """The network, the body's points, and the codes found."""
        networks = self.module
        assert isinstance(networks, DrapeAndCodes)  # noqa: S101 - set above
        settings = self._settings
        write_weights(settings.out, networks.draping, settings.points)
        codes = networks.codes.detach().cpu().numpy()
        np.savez(
            settings.out / CODES, allow_pickle=False, **named_codes(codes, kinds_worn(settings.outfits, settings.seed))
        )


def parting(bodies: Tensor, cloth: Tensor) -> Tensor:
    """How far neighbours on a body move apart on the way to its clothes, the mean in metres. Both: (B, N, 3).

    Without it any order of points would do, and a pattern would be shuffled on the way to the next body.
    """
    with torch.no_grad():
        around = torch.cdist(bodies, bodies).topk(1 + _NEIGHBOURS, largest=False).indices[..., 1:]
    moved = cloth - bodies
    rows = torch.arange(len(moved), device=moved.device)[:, None, None]
    apart: Tensor = (moved[rows, around] - moved[:, :, None]).square().sum(-1)
    return (apart + _TINY).sqrt().mean()


def named_codes(codes: Floats, kinds: Sequence[str]) -> dict[str, Floats]:
    """Of each kind that some wear, the code of the outfit most like all of its kind. codes: (outfits, 8)."""
    least = max(1, round(_LEAST_WORN * len(kinds)))
    named = {}
    for kind in sorted(set(kinds), key=lambda kind: (kind.count(" and "), kind)):
        rows = [row for row, worn in enumerate(kinds) if worn == kind]
        if len(rows) >= least:
            gaps = np.linalg.norm(codes[rows] - codes[rows].mean(0), axis=1)
            named[kind] = codes[rows[int(gaps.argmin())]].astype(np.float32)
    return named


def write_weights(out: Path, draping: nn.Module, together: int) -> None:
    """A draping network for the built-in body into a folder of weights, its numbers halved.

    Args:
        together: points that it is used to seeing at once.
    """
    (out / DRAPING).parent.mkdir(parents=True, exist_ok=True)
    sizes = {name for name in draping.state_dict() if name.endswith("tensor_mod")}
    state = {
        name: (tensor.float() if name in sizes else tensor.half()).cpu().contiguous()
        for name, tensor in draping.state_dict().items()
    }
    save_file(state, out / DRAPING)
    clothed, _ = samples()
    taken = spread_samples(body_model(), clothed, _POINTS_WORN).astype(np.int32)
    root = (body_model().joint_regressor @ body_model().template)[0].numpy()
    np.savez_compressed(
        out / BODY_POINTS, allow_pickle=False, clothed=clothed, samples=taken, root=root, together=together
    )


def first_codes(clouds: Clouds) -> Tensor:
    """(outfits, 8): what most tells outfits apart of how near their clothes come to points of the body, on whatever
    bodies and in whatever poses they were seen."""
    step = POINTS // _ANCHORS
    anchors = torch.from_numpy(clouds.bodies[:, :_ANCHORS]).float()
    clothes = torch.from_numpy(clouds.clothes[:, ::step]).float()
    gaps = torch.stack([torch.cdist(a, b).amin(1).clamp(max=_FAR) for a, b in zip(anchors, clothes, strict=True)])
    outfits = torch.from_numpy(clouds.outfits)
    count = int(outfits.max()) + 1
    mean = torch.zeros(count, _ANCHORS).index_add_(0, outfits, gaps) / torch.bincount(outfits)[:, None]
    left, sizes, _ = torch.linalg.svd(mean - mean.mean(0), full_matrices=False)
    codes = torch.zeros(count, CODE)
    known = min(CODE, len(sizes))
    # All directions alike matter less than the first, but are not lost beside it.
    codes[:, :known] = left[:, :known] * sizes[:known].sqrt()
    return codes.mul_(_CODE_LENGTH / codes.norm(dim=1).mean().clamp(min=1e-6))


def _cloud_picture(points: Tensor, across: int) -> Image.Image:
    picture = Image.new("RGB", (_CELL, _CELL * 3 // 2))
    columns = points[:, across] * _CELL / 1.8 + _CELL / 2
    rows = (0.7 - points[:, 1]) * _CELL / 1.2
    ImageDraw.Draw(picture).point(torch.stack([columns, rows], 1).flatten().tolist(), fill=(255, 255, 255))
    return picture
