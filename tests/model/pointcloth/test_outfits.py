"""The engine from photos to files. Its network here is untrained: what comes out is whole, not good."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from pydantic import ValidationError

from model.engine import Job
from model.engines.pointcloth import checkpoint
from model.engines.pointcloth.engine import PointCloth
from model.engines.pointcloth.files import files
from model.engines.pointcloth.networks import grouped
from model.engines.pointcloth.outfit import FittedOutfit, read_outfit
from model.engines.pointcloth.request import Request
from model.errors import EngineError, InputError, WeightsError
from model.runtime.device import Device
from model.weights.pack import DEMO
from tests.gltf import complaints
from tests.model.devices import cpu_device
from tests.model.pointcloth.conftest import FOCAL, PHOTO

QUICK: dict[str, Any] = {"seed": 1, "size": 64, "focal": FOCAL}
FIT: dict[str, Any] = {"photos": ["x"], "masks": ["x"], "bodies": ["x"], "coarse_iterations": 2, "fine_iterations": 2}


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    with cpu_device() as device:
        yield device


@pytest.fixture(scope="module")
def engine(weights: Path, device: Device) -> PointCloth:
    return PointCloth(weights, device)


def run(runner: asyncio.Runner, engine: PointCloth, inputs: dict[str, Path], out: Path, **fields: Any) -> Job:
    request = Request.model_validate(QUICK | fields)
    job = Job(inputs, out)

    async def live() -> None:
        async with engine.networks.device.live("pointcloth", engine.resident_bytes(request)):
            await engine.run(request, job)

    runner.run(live())
    return job


def size_of(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


def of_fit(person: dict[str, Path]) -> dict[str, Path]:
    return {"photos.0": person["photo"], "masks.0": person["mask"], "bodies.0": person["body"]}


@pytest.fixture(scope="module")
def fitted(
    runner: asyncio.Runner, engine: PointCloth, person: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("fitted")
    job = run(
        runner,
        engine,
        of_fit(person),
        out,
        **FIT,
        fit_film=True,
        appearance="network",
        appearance_iterations=2,
        turntable=True,
    )
    assert 0 <= float(job.settings["mask_iou"]) <= 1
    return out


def test_a_fit_leaves_the_outfit_in_every_form(fitted: Path, weights: Path) -> None:
    names = {file.name for file in fitted.iterdir()}
    films = {"fit.webm", "turntable.webm"}
    assert names == {"outfit.npz", "outfit.ply", "outfit.glb", "fit.png", "body.json", *films}
    assert complaints(fitted / "outfit.glb") == []
    outfit = read_outfit(fitted / "outfit.npz")
    assert outfit.points.shape == (64, 3)
    assert outfit.colours is not None
    assert outfit.descriptors is not None
    assert outfit.descriptors.shape == (64, 16)
    assert len(outfit.network) == 122
    cloud = trimesh.load(fitted / "outfit.ply")
    assert isinstance(cloud, trimesh.PointCloud)
    assert cloud.vertices.shape == (64, 3)
    assert cloud.colors.shape == (64, 4)


def test_the_same_seed_finds_the_same_outfit(
    runner: asyncio.Runner, engine: PointCloth, person: dict[str, Path], fitted: Path, tmp_path: Path
) -> None:
    run(runner, engine, of_fit(person), tmp_path, **FIT, surface="mesh", formats=["glb"], appearance="none")
    again, first = read_outfit(tmp_path / "outfit.npz"), read_outfit(fitted / "outfit.npz")
    np.testing.assert_array_equal(again.code, first.code)
    assert again.colours is None
    assert not (tmp_path / "outfit.ply").exists()
    other = tmp_path / "other"
    other.mkdir()
    run(runner, engine, of_fit(person), other, **FIT | {"seed": 2}, formats=["ply"], appearance="none")
    assert not np.array_equal(read_outfit(other / "outfit.npz").code, first.code)


def test_an_outfit_is_worn_by_another_body_and_on_a_photo(
    runner: asyncio.Runner, engine: PointCloth, person: dict[str, Path], fitted: Path, tmp_path: Path
) -> None:
    inputs = {"outfit": fitted / "outfit.npz", "body": person["other"]}
    run(runner, engine, inputs, tmp_path, task="wear", outfit="x", body="x")
    worn = read_outfit(tmp_path / "outfit.npz")
    first = read_outfit(fitted / "outfit.npz")
    np.testing.assert_array_equal(worn.code, first.code)
    assert not np.allclose(worn.points, first.points, atol=1e-3)
    assert size_of(tmp_path / "worn.png") == (64, 64)
    photo = tmp_path / "photo"
    photo.mkdir()
    inputs |= {"person": person["photo"]}
    run(runner, engine, inputs, photo, task="wear", outfit="x", body="x", person="x", output={"format": "jpeg"})
    assert size_of(photo / "worn.jpg") == PHOTO


def test_outfits_are_mixed_and_walked_between(
    runner: asyncio.Runner, engine: PointCloth, fitted: Path, tmp_path: Path
) -> None:
    fields = {"task": "mix", "outfit_name": "t-shirt", "other_name": "dress", "share": 0.0}
    run(runner, engine, {}, tmp_path, **fields, walk=True, pose={"left_shoulder": [0, 0, -1]}, betas=[1.0])
    codes = engine.networks.codes
    np.testing.assert_allclose(read_outfit(tmp_path / "outfit.npz").code, codes["t-shirt"], atol=1e-6)
    assert (tmp_path / "walk.webm").stat().st_size > 500


def test_what_cannot_be_used_is_one_problem_each(
    runner: asyncio.Runner, engine: PointCloth, person: dict[str, Path], fitted: Path, tmp_path: Path
) -> None:
    def problem(inputs: dict[str, Path], **fields: Any) -> tuple[str, str | None]:
        with pytest.raises(EngineError) as caught:
            run(runner, engine, inputs, tmp_path / "none", **fields)
        assert str(tmp_path) not in caught.value.message
        return caught.value.code, caught.value.field

    arrays = dict(np.load(fitted / "outfit.npz"))

    def outfit(**changes: Any) -> dict[str, Path]:
        file = tmp_path / "outfit.npz"
        np.savez(file, **arrays | changes)
        return {"outfit": file}

    def text(content: str) -> dict[str, Path]:
        file = tmp_path / "file"
        file.write_text(content)
        return {"body": file}

    wear: dict[str, Any] = {"task": "wear", "outfit": "x"}
    bad = arrays["points"].copy()
    bad[3, 1] = np.nan
    assert problem(outfit(points=bad), **wear) == ("bad_outfit", "outfit")
    assert problem(outfit(code=np.zeros(7, np.float32)), **wear) == ("bad_outfit", "outfit")
    assert problem(outfit(code=np.array([object()] * 8)), **wear) == ("bad_outfit", "outfit")  # a pickle
    assert problem({"outfit": person["photo"]}, **wear) == ("bad_outfit", "outfit")
    named: dict[str, Any] = {"task": "wear", "outfit_name": "t-shirt"}
    assert problem({}, task="wear", outfit_name="hat") == ("no_such_outfit", "outfit_name")
    assert problem(text("no json"), **named, body="x") == ("bad_body", "body")
    assert problem(text(json.dumps({"pose": {"tail": [0, 0, 0]}})), **named, body="x") == ("bad_body", "body")
    assert problem(text(json.dumps({"pose": [[0, 0, 0]] * 24})), **named, body="x") == ("body_mismatch", "body")
    assert problem(text(json.dumps({"vertices": [[0, 0, 0]] * 9})), **named, body="x") == ("body_mismatch", "body")
    behind = text(json.dumps({"translation": [0, 0, -5]}))
    assert problem({"person": person["photo"], **behind}, **named, body="x", person="x") == ("bad_body", "person")
    black = tmp_path / "black.png"
    Image.new("L", PHOTO).save(black)
    small = tmp_path / "small.png"
    Image.new("L", (9, 9), 255).save(small)
    assert problem(of_fit(person) | {"masks.0": black}, **FIT) == ("empty_mask", "masks.0")
    assert problem(of_fit(person) | {"masks.0": small}, **FIT) == ("bad_mask", "masks.0")
    assert problem({"photos.0": person["photo"]}, photos=["x"]) == ("no_mask", "photos.0")


def test_nobody_in_the_photo_is_a_problem_of_its_field(runner: asyncio.Runner, device: Device, tmp_path: Path) -> None:
    engine = PointCloth(DEMO, device)
    Image.new("RGB", PHOTO, (120, 130, 140)).save(tmp_path / "wall.png")
    for inputs, fields in (
        ({"photos.0": tmp_path / "wall.png"}, {"photos": ["x"]}),
        ({"person": tmp_path / "wall.png"}, {"task": "wear", "outfit_name": "dress", "person": "x"}),
    ):
        with pytest.raises(InputError) as caught:
            run(runner, engine, inputs, tmp_path / "none", **fields)
        assert (caught.value.code, caught.value.field) == ("no_person", next(iter(inputs)))


def test_requests_say_what_they_lack() -> None:
    def refused(**fields: Any) -> str:
        with pytest.raises(ValidationError) as caught:
            Request.model_validate(fields)
        return str(caught.value.errors()[0]["msg"])

    assert "'photos'" in refused()
    assert "'masks'" in refused(photos=["x", "y"], masks=["x"])
    assert "'share' is not for the task 'fit'" in refused(photos=["x"], share=0.3)
    assert "'photos' is not for the task 'wear'" in refused(task="wear", outfit="x", photos=["x"])
    assert "'fine_iterations' is not for the task 'mix'" in refused(task="mix", fine_iterations=2)
    assert "either 'outfit' or 'outfit_name'" in refused(task="wear")
    assert "either 'other' or 'other_name'" in refused(task="mix", outfit="x")
    assert "either 'body'" in refused(task="wear", outfit="x", body="x", betas=[1])


def test_points_in_groups_come_back_in_their_order() -> None:
    points = torch.arange(100).float()[:, None].expand(-1, 3)
    for size in (0, 7, 33, 100, 1000):
        groups, place = grouped(points, size)
        assert torch.equal(groups.reshape(-1, 3)[torch.from_numpy(place)], points)
        assert size in (0, 1000) or abs(groups.shape[1] - size) <= size / 2


def test_a_network_of_any_size_is_loaded_strictly(weights: Path, tmp_path: Path) -> None:
    assert checkpoint.draping(weights).parameters() > 0
    assert all(file.is_file() for file in files(weights))
    with pytest.raises(WeightsError):
        checkpoint.draping(tmp_path).load(torch.device("cpu"), torch.float32)


def test_an_outfit_is_written_and_read_as_it_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(5, 3)).astype(np.float32)
    outfit = FittedOutfit(
        points.ravel()[:8], points, np.arange(5) > 2, np.zeros(10, np.float32), points, points.clip(0, 1)
    )
    outfit.save(tmp_path / "outfit.npz")
    again = read_outfit(tmp_path / "outfit.npz")
    np.testing.assert_array_equal(again.points, points)
    np.testing.assert_array_equal(again.visible, outfit.visible)
    with pytest.raises(InputError):
        read_outfit(tmp_path / "absent.npz")
