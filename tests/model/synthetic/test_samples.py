"""The demo's try-ons: of every kind, and their pictures belong together."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.clothes.cut import GarmentKind, GarmentPlace
from model.contact_sheet import LABEL_HEIGHT, TITLE_HEIGHT, Layout
from model.samples.samples import SAMPLES, sample_sheet, small_sample
from model.synthetic.datasets.sample_pictures import PEOPLE
from model.synthetic.fabrics.fabrics import Pattern
from model.synthetic.fabrics.sample_garments import GARMENTS
from tests.rendered import SMALL, pictures

LEVELS = 3  # grey levels, between machines that add in another order


def array(picture: Image.Image) -> NDArray[np.int16]:
    return np.asarray(picture).astype(np.int16)


def test_every_person_tries_a_garment_of_their_own_on() -> None:
    assert [sample.person for sample in SAMPLES] == list(PEOPLE)
    assert [sample.garment for sample in SAMPLES] == list(GARMENTS)
    assert [GARMENTS[sample.garment].place for sample in SAMPLES] == [sample.place for sample in SAMPLES]


def test_every_kind_of_garment_and_every_family_of_fabrics_is_shown() -> None:
    assert {garment.kind for garment in GARMENTS.values()} == set(get_args(GarmentKind))
    assert {garment.fabric.kind for garment in GARMENTS.values()} == set(get_args(Pattern))
    hems = [garment.hem for garment in GARMENTS.values() if garment.kind == "trousers"]
    assert min(hems) < -0.7 < -0.4 < max(hems)  # shorts are trousers


def test_the_small_pictures_are_the_first_samples() -> None:
    first = pictures(SAMPLES[0].place)
    for field, file in small_sample().items():
        with Image.open(file) as small:
            assert (small.size, small.mode) == (SMALL, first[field].mode)
            differences = abs(array(small) - array(first[field]))
        assert np.mean(differences > LEVELS) < 0.002, field


@pytest.mark.parametrize("place", get_args(GarmentPlace))
def test_the_truth_differs_from_the_photo_where_the_mask_lets_it(place: GarmentPlace) -> None:
    photo, mask, truth = (array(pictures(place)[name]) for name in ("person", "mask", "truth"))
    assert set(np.unique(mask)) == {0, 255}
    painted = mask > 0
    changed = abs(photo - truth).max(-1) > 24
    assert changed[painted].mean() > 0.25
    assert changed[~painted].mean() < 0.03


def test_a_sheet_has_a_column_for_each_sample_and_the_truth_if_wanted(tmp_path: Path) -> None:
    samples = SAMPLES[:8]
    for sample in samples:
        for name in (*sample.inputs.values(), sample.result, sample.truth):
            Image.new("RGB", (6, 8)).save(tmp_path / name)
    for rows, truths in ((4, False), (5, True)):
        layout = Layout(8, rows, (180, 240), 6, TITLE_HEIGHT, LABEL_HEIGHT)
        assert sample_sheet(samples, tmp_path, "title", truths=truths).size == layout.size
