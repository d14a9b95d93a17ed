"""Body and clothes as numbers, and the network that finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from model.clothes.arrays import Floats
from model.clothes.cut import Cut, GarmentKind
from model.engines.template.body_features import COUNT

CHOICES = ("dress", "skirt", "long_hair", "v_neck", "sleeveless")
# Of the person's top, or dress; what is called `lower` is of trousers or skirt, or of the dress below its waist.
_LENGTHS: dict[str, tuple[float, float, float, float]] = {  # mean, deviation, least, most, as they are made up
    "sleeve": (0.35, 0.18, 0.12, 0.66),
    "neck_width": (0.0875, 0.0075, 0.07, 0.105),
    "neck_depth": (0.09, 0.025, 0.05, 0.16),
    "looseness": (0.013, 0.004, 0.004, 0.022),
    "hem": (-0.07, 0.03, -0.13, -0.02),
    "lower_hem": (-0.5, 0.2, -0.81, -0.2),
    "waist": (0.065, 0.015, 0.03, 0.10),
    "lower_looseness": (0.013, 0.004, 0.004, 0.022),
    "flare": (0.04, 0.04, 0.0, 0.13),
}
BETAS, SPREAD = 10, 0.8  # of the body's shape, and their deviation among made-up people
OUTPUTS = len(CHOICES) + len(_LENGTHS) + BETAS
_ONLY_OF_TWO_PIECES = ("hem", "waist")
# The made-up wardrobe has no strap that ends farther out, no sleeve that ends farther in and no dress that ends lower.
_MOST_STRAP, _LEAST_SLEEVE = 0.155, 0.24
_LONGEST_DRESS = -0.65

_HIDDEN = 128, 64  # widths of the network that finds the clothes


@dataclass(frozen=True)
class Outfit:
    """Who wears what. betas: (10,), the body's shape."""

    cuts: tuple[Cut, ...]
    long_hair: bool
    betas: Floats

    @property
    def dress(self) -> bool:
        return any(cut.kind == "dress" for cut in self.cuts)


class OutfitNetwork(nn.Module):
    """Features of a person's photos, (B, COUNT), to choices as logits, and lengths and shape in deviations from their
    means: (B, OUTPUTS). A linear map, which finds the shape, beside a small network, which finds the clothes."""

    def __init__(self) -> None:
        super().__init__()
        first, second = _HIDDEN
        self.norm = nn.BatchNorm1d(COUNT, affine=False, eps=1e-4)
        self.linear = nn.Linear(COUNT, OUTPUTS)
        self.deep = nn.Sequential(
            *(nn.Dropout(0.1), nn.Linear(COUNT, first), nn.ReLU()),
            *(nn.Dropout(0.2), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, OUTPUTS)),
        )
        nn.init.zeros_(self.linear.weight)

    def forward(self, features: Tensor) -> Tensor:
        known: Tensor = self.norm(features).clamp(-5, 5)
        answer: Tensor = self.linear(known) + self.deep(known)
        return answer


def encoded(cuts: Sequence[Cut], betas: Floats, *, long_hair: bool) -> tuple[Floats, Floats]:
    """What the network is to say of somebody, (OUTPUTS,), choices as 0 or 1; and which of it counts, as 0 or 1."""
    top = next(cut for cut in cuts if cut.place != "lower")
    low = next((cut for cut in cuts if cut.place == "lower"), None)
    below = low or top
    choices = [top.kind == "dress", below.kind == "skirt", long_hair, top.v_neck, top.sleeveless]
    lengths = {
        "sleeve": top.sleeve,
        "neck_width": top.neck_width,
        "neck_depth": top.neck_depth,
        "looseness": top.looseness,
        "hem": top.hem,
        "lower_hem": below.hem,
        "waist": below.waist,
        "lower_looseness": below.looseness,
        "flare": below.flare,
    }
    deviations = [(lengths[name] - mean) / deviation for name, (mean, deviation, _, _) in _LENGTHS.items()]
    values = np.array([*choices, *deviations, *(betas / SPREAD)], np.float32)
    counting = [1.0 if low is not None or name not in _ONLY_OF_TWO_PIECES else 0.0 for name in _LENGTHS]
    return values * _mask(counting), _mask(counting)


def _mask(lengths: Sequence[float]) -> Floats:
    return np.array([*[1.0] * len(CHOICES), *lengths, *[1.0] * BETAS], np.float32)


def decoded(answer: Floats) -> Outfit:
    """The outfit an answer of the network, (OUTPUTS,), describes, within what is made up."""
    chosen = dict(zip(CHOICES, answer > 0, strict=False))
    lengths = {
        name: float(np.clip(mean + deviation * value, least, most))
        for (name, (mean, deviation, least, most)), value in zip(_LENGTHS.items(), answer[len(CHOICES) :], strict=False)
    }
    sleeve, neck_width, neck_depth, looseness, hem, lower_hem, waist, lower_looseness, flare = lengths.values()
    sleeve = min(sleeve, _MOST_STRAP) if chosen["sleeveless"] else max(sleeve, _LEAST_SLEEVE)
    upper = partial(Cut, neck_width=neck_width, neck_depth=neck_depth, sleeve=sleeve, v_neck=bool(chosen["v_neck"]))
    cuts: tuple[Cut, ...]
    if chosen["dress"]:
        cuts = (upper("dress", hem=max(lower_hem, _LONGEST_DRESS), looseness=lower_looseness, flare=flare),)
    else:
        top = upper("tank_top" if chosen["sleeveless"] else "tshirt", hem=hem, looseness=looseness)
        kind: GarmentKind = "skirt" if chosen["skirt"] else "trousers"
        cuts = top, Cut(kind, hem=lower_hem, waist=waist, looseness=lower_looseness, flare=flare)
    betas = (SPREAD * answer[-BETAS:]).clip(-2, 2).astype(np.float32)
    return Outfit(cuts, bool(chosen["long_hair"]), betas)


@torch.no_grad()
def found(network: nn.Module, features: Floats) -> Outfit:
    """The outfit the network finds in the features of a person's photos, (COUNT,)."""
    return decoded(network(torch.tensor(features)[None])[0].float().cpu().numpy())
