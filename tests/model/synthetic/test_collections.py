"""Photo collections and the truth about the person in them, as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.mesh.cameras import AZIMUTHS, rotations
from model.synthetic.datasets.collections import CASE, INDEX, TARGETS, write_collections

SEED, WIDTH, SIZE = 4, 48, 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = list(write_collections(tmp_path_factory.mktemp("people"), 2, SEED, (WIDTH, SIZE)))
    assert [person.name for person in people] == ["000004", "000005"]
    return people[0] / CASE


def files(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_person_is_written_when_asked_for(tmp_path: Path) -> None:
    people = write_collections(tmp_path, 9, SEED, (WIDTH, SIZE))
    assert not list(tmp_path.iterdir())
    first = next(people)
    assert list(tmp_path.iterdir()) == [first]


def test_pictures_have_the_size_asked_for_and_an_outline(folder: Path) -> None:
    for part, size in (("source", (WIDTH, SIZE)), *((part, (SIZE, SIZE)) for part in TARGETS[:2])):
        for file in (folder / part).iterdir():
            picture = Image.open(file)
            assert (picture.size, picture.mode) == (size, "RGBA")
            assert picture.getchannel("A").getextrema() == (0, 255)
    for part in TARGETS:
        assert [file.name for file in sorted((folder / part).iterdir())] == [f"{angle:03d}.png" for angle in AZIMUTHS]


def test_the_index_names_every_photo_by_what_it_shows(folder: Path) -> None:
    root = folder.parent.parent
    people = json.loads((root / INDEX).read_text())
    assert [person["id"] for person in people] == ["000004", "000005"]
    sources = people[0]["source_paths"]
    listed = [root / path for paths in sources.values() for path in paths]
    assert sorted(listed) == sorted((folder / "source").iterdir())
    assert 6 <= len(listed) <= 10
    assert sources["front_top"]
    assert sources["back_top"]
    assert sources["left_bottom"]
    (case,) = people[0]["cases_target_data"]
    assert all(len(case[f"{part}_paths"]) == 6 for part in TARGETS)
    assert (root / case["target_smplx_params_path"]).is_file()


def test_the_bare_body_lies_within_the_dressed_one(folder: Path) -> None:
    for azimuth in AZIMUTHS:
        bare = np.asarray(Image.open(folder / TARGETS[2] / f"{azimuth:03d}.png")).astype(int)
        dressed = np.asarray(Image.open(folder / TARGETS[0] / f"{azimuth:03d}.png"))[..., 3]
        on_body = (np.abs(bare - 128) > 30).any(-1)
        assert (dressed[on_body] > 0).mean() > 0.97


def test_the_body_tells_where_its_joints_are_in_the_views(folder: Path) -> None:
    body = json.loads((folder / "smplx" / "smplx_params.json").read_text())
    assert len(body["betas"]) == 10
    from_centre = np.array(list(body["joints"].values())) - body["centre"]  # (55, 3)
    for azimuth, turn in zip(AZIMUTHS, rotations(AZIMUTHS).numpy(), strict=True):
        right, up, _ = body["half_pictures_per_metre"] * turn @ from_centre.T
        columns, rows = (((values + 1) / 2 * SIZE).astype(int) for values in (right, -up))
        alpha = np.asarray(Image.open(folder / TARGETS[0] / f"{azimuth:03d}.png"))[..., 3]
        assert (alpha[rows, columns] > 0).mean() > 0.9  # fingers are thinner than pixels


def test_a_person_is_the_same_alone_and_in_company(folder: Path, tmp_path: Path) -> None:
    assert files(next(write_collections(tmp_path, 1, SEED, (WIDTH, SIZE)))) == files(folder.parent)
