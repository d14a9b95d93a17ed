"""Where a worn garment's pixels lie in its flat picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.clothes.cut import GarmentPlace
from model.measures.exact_pair import psnr
from model.synthetic.datasets.layouts import write_dresscode
from model.synthetic.datasets.records import records
from model.synthetic.scene.correspondence import bare_labels, correspondence
from model.synthetic.scene.person import Person, random_person
from model.synthetic.scene.photos import Flat, Scene
from model.synthetic.scene.shots import Shot

SIZE = 96, 128
THIGHS = (7, 8, 9, 10)


def somebody(place: GarmentPlace, azimuth: float = 0.0) -> Person:
    person = random_person(np.random.default_rng([3, 1]), place)
    return replace(person, shot=Shot(azimuth=azimuth))


@pytest.mark.parametrize("place", ["upper", "lower", "dress"])
def test_a_flat_garment_seen_through_the_flow_is_the_worn_one_but_for_its_light(place: GarmentPlace) -> None:
    person = somebody(place)
    scene, flat = Scene(person, *SIZE), Flat(person.garments[place], *SIZE)
    truth = correspondence(scene, flat, place)
    columns, rows = ((truth.flow[..., axis] + 1) / 2 * SIZE[axis] - 0.5 for axis in (0, 1))
    picture = np.asarray(flat.photo(person.garments[place]))
    worn = np.asarray(cv2.remap(picture, columns, rows, cv2.INTER_LINEAR), np.uint8)
    photo = np.asarray(scene.photo(person, {}).photo)
    inside = (truth.cover > 0.9) & (truth.shown > 0.9)
    assert psnr(worn, photo, inside) > 19
    assert psnr(np.roll(worn, 6, 1), photo, inside) < psnr(worn, photo, inside) - 1


def test_cover_is_the_garments_region_with_soft_edges() -> None:
    person = somebody("upper")
    scene = Scene(person, *SIZE)
    truth = correspondence(scene, Flat(person.garments["upper"], *SIZE), "upper")
    region = scene.photo(person, {}).regions["upper"]
    assert np.mean((truth.cover > 0.5) != region) < 0.02  # labels are taken from one of four subpixels
    assert ((truth.cover > 0) & (truth.cover < 1)).any()
    assert not truth.flow[truth.cover == 0].any()


def test_what_lies_behind_in_the_flat_picture_is_not_shown_by_it() -> None:
    shown = []
    for azimuth in (0.0, 180.0):
        person = somebody("upper", azimuth)
        truth = correspondence(Scene(person, *SIZE), Flat(person.garments["upper"], *SIZE), "upper")
        shown.append(truth.shown[truth.cover > 0.5].mean())
    assert shown[0] > 0.9
    assert shown[1] < 0.4


def test_the_bare_body_has_legs_where_the_dressed_one_has_a_dress() -> None:
    person = somebody("dress")
    scene = Scene(person, *SIZE)
    dressed = scene.photo(person, {})
    densepose, lip, atr = bare_labels(person, scene)
    hidden = np.isin(dressed.atr, [7])
    assert not np.isin(atr, [4, 5, 6, 7]).any()
    assert not np.isin(lip, [5, 6, 9, 12]).any()
    assert np.isin(densepose, THIGHS)[hidden].any()
    assert (densepose > 0).sum() < (dressed.densepose > 0).sum()  # a dress is wider than who is in it


def test_a_data_set_keeps_flow_and_bare_body_if_it_is_asked_to(tmp_path: Path) -> None:
    with_flow, without = tmp_path / "with", tmp_path / "without"
    write_dresscode(with_flow, "test", records(2, SIZE, 4, {"upper": 1.0}, flow=True))
    write_dresscode(without, "test", records(2, SIZE, 4, {"upper": 1.0}))
    names = {file.relative_to(with_flow).as_posix(): file for file in with_flow.rglob("*") if file.is_file()}
    own = {name for name in names if name.split("/")[1] in ("flow", "flow-shown", "bare-densepose")}
    assert own == {
        f"upper_body/{kind}/00000{i}.png" for kind in ("flow", "flow-shown", "bare-densepose") for i in (0, 1)
    }
    for name in names.keys() - own:  # all else is the same, to the byte
        assert names[name].read_bytes() == (without / name).read_bytes()
    encoded = cv2.imread(str(with_flow / "upper_body/flow/000000.png"), cv2.IMREAD_UNCHANGED)
    assert encoded is not None
    cover, y, x = (encoded[..., channel].astype(float) for channel in range(3))  # OpenCV reads blue first
    columns, rows = (((place - 32768) / 32767 + 1) / 2 * side - 0.5 for place, side in ((x, SIZE[0]), (y, SIZE[1])))
    picture, photo = (levels(with_flow / f"upper_body/images/000000_{i}.jpg") for i in (1, 0))
    worn = np.asarray(cv2.remap(picture, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR))
    shown = levels(with_flow / "upper_body/flow-shown/000000.png")
    inside = (cover > 60000) & (shown > 230)
    assert psnr(worn.astype(np.uint8), photo, inside) > psnr(np.roll(worn, 8, 1).astype(np.uint8), photo, inside) + 1


def levels(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as picture:
        return np.asarray(picture)
