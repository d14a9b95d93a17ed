"""Photo collections and the truth about the person in them, as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.body.cameras import AZIMUTHS, rotations
from model.synthetic.collections import write_collections

SEED, WIDTH, SIZE = 4, 48, 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return next(write_collections(tmp_path_factory.mktemp("people"), 3, SEED, (WIDTH, SIZE)))


def files(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_person_is_written_when_asked_for(folder: Path) -> None:
    assert [person.name for person in folder.parent.iterdir()] == ["000004"]
    photos = sorted(file.name for file in (folder / "photos").iterdir())
    assert 6 <= len(photos) <= 10
    assert photos == [f"{i:02d}.png" for i in range(len(photos))]
    views = {file.name for file in (folder / "views").iterdir()}
    assert views == {f"{kind}_{azimuth:03d}.png" for kind in ("rgb", "normals") for azimuth in AZIMUTHS}


def test_pictures_have_the_size_asked_for_and_an_outline(folder: Path) -> None:
    for kind, size in (("photos", (WIDTH, SIZE)), ("views", (SIZE, SIZE))):
        for file in (folder / kind).iterdir():
            picture = Image.open(file)
            assert (picture.size, picture.mode) == (size, "RGBA")
            assert picture.getchannel("A").getextrema() == (0, 255)


def test_the_body_tells_where_its_joints_are_in_the_views(folder: Path) -> None:
    body = json.loads((folder / "body.json").read_text())
    assert len(body["betas"]) == 10
    from_centre = np.array(list(body["joints"].values())) - body["centre"]  # (55, 3)
    for azimuth, turn in zip(AZIMUTHS, rotations(AZIMUTHS).numpy(), strict=True):
        right, up, _ = body["half_pictures_per_metre"] * turn @ from_centre.T
        columns, rows = (((values + 1) / 2 * SIZE).astype(int) for values in (right, -up))
        alpha = np.asarray(Image.open(folder / "views" / f"rgb_{azimuth:03d}.png"))[..., 3]
        assert (alpha[rows, columns] > 0).mean() > 0.9  # fingers are thinner than pixels


def test_a_person_is_the_same_alone_and_in_company(folder: Path, tmp_path: Path) -> None:
    assert files(next(write_collections(tmp_path, 1, SEED, (WIDTH, SIZE)))) == files(folder)
