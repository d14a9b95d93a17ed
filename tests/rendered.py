"""Small pictures of the demo's samples, rendered once for all tests of a process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from PIL import Image

from model.clothes.cut import GarmentPlace
from model.samples.samples import SAMPLES
from model.synthetic.datasets.sample_pictures import sample_pictures

SMALL = (96, 128)


@cache
def pictures(place: GarmentPlace) -> Mapping[str, Image.Image]:
    """`person`, `garment`, `mask` and `truth` of the first sample for this place. Shared: not to be written to."""
    return sample_pictures(next(sample for sample in SAMPLES if sample.place == place), SMALL)
