"""The engine from photos to files. Its networks here are untrained: what comes out is whole, not good."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gltf
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from model.avatar.parts import CLOTHES
from model.engine import Job
from model.engines import registry
from model.engines.template import checkpoint
from model.engines.template.engine import Template
from model.engines.template.files import PLACE_NETWORK, files
from model.engines.template.request import TEMPLATE_STAGES, Request
from model.errors import InputError, WeightsError
from model.runtime.device import Device
from tests.gltf import complaints
from tests.model.template.conftest import ERRORS_OF_SHAPE

SMALL: dict[str, Any] = {"size": 64, "mesh_size": 64, "iterations": 3, "faces": 2000, "texture": "vertex", "seed": 1}


def run(
    runner: asyncio.Runner, engine: Template, photos: dict[str, Path], out: Path, first: Any = "photos", **fields: Any
) -> Job:
    request = Request.model_validate(SMALL | {"photos": ["fetched"] * 2} | fields)
    job = Job(photos, out)

    async def live() -> None:
        async with engine.networks.resources.device.live("template", engine.resident_bytes(request)):
            await engine.run_from(request, job, first)

    runner.run(live())
    return job


@pytest.fixture(scope="module")
def made(
    runner: asyncio.Runner, engine: Template, photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("made")
    run(runner, engine, photos, out, stages=[*TEMPLATE_STAGES])
    return out


def test_an_avatar_is_a_valid_file_and_a_described_body(made: Path) -> None:
    assert complaints(made / "avatar.glb") == []
    said = json.loads((made / "body.json").read_text())
    assert 1.3 < said["measurements"]["height"] < 2.3
    assert said["measurement_errors"] == ERRORS_OF_SHAPE


def test_every_stage_leaves_what_can_be_looked_at(made: Path) -> None:
    names = {file.name for file in made.iterdir()}
    assert {f"rgb_{i}.png" for i in range(6)} | {f"normal_{i}.png" for i in range(6)} <= names
    assert {"features.safetensors", "shape.json", "poses.safetensors", "pose_0.png", "mesh.ply", "colour.ply"} <= names
    assert load_file(made / "features.safetensors")["features"].shape == (2, 128, 128, 18)


def test_clothes_come_apart(runner: asyncio.Runner, engine: Template, made: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(made, tmp_path / "out"))
    run(runner, engine, {}, out, "export", parts=True, texture="atlas")
    assert [complaints(out / name) for name in ("avatar.glb", "clothes.glb")] == [[], []]
    whole, clothes = (gltf.GLTF2().load(str(out / name)) for name in ("avatar.glb", "clothes.glb"))
    names = [mesh.name for mesh in whole.meshes]
    assert names[:1] == ["body"]
    assert [mesh.name for mesh in clothes.meshes] == [name for name in names if name in CLOTHES] != []
    for side in ("front", "back"):
        alpha = np.asarray(Image.open(out / f"clothes_{side}.png"))[..., 3]
        assert 0.01 < (alpha > 0).mean() < 0.3


@pytest.mark.parametrize("first", ["shape", "mesh"])
def test_a_run_goes_on_from_any_stage(
    runner: asyncio.Runner, engine: Template, made: Path, tmp_path: Path, first: str
) -> None:
    out = Path(shutil.copytree(made, tmp_path / "out"))
    (out / "avatar.glb").unlink()
    run(runner, engine, {}, out, first)
    assert (out / "avatar.glb").read_bytes() == (made / "avatar.glb").read_bytes()


def test_the_body_alone_takes_no_views(
    runner: asyncio.Runner, engine: Template, photos: dict[str, Path], tmp_path: Path
) -> None:
    job = run(runner, engine, photos, tmp_path, body_only=True)
    assert {file.name for file in tmp_path.iterdir()} == {"avatar.glb", "body.json"}
    assert "mesh" not in job.stage_seconds


def test_a_stage_it_does_not_have_is_refused(runner: asyncio.Runner, engine: Template, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="weights"):
        Request.model_validate({"photos": ["p"], "stages": ["weights"]})
    with pytest.raises(InputError, match="weights"):
        run(runner, engine, {}, tmp_path, "weights")


def test_it_is_in_the_registry_and_its_weights_can_be_checked(weights: Path) -> None:
    assert registry.engine_class("template").name == Template.name
    assert all(file.is_file() for file in files(weights) if file.parent.name == "template")
    for part in checkpoint.parts(weights):
        part()
    assert checkpoint.job_bytes(weights, torch.float32, {}) > 2**20


def test_weights_of_another_shape_are_named(weights: Path, device: Device, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(weights, tmp_path / "weights"))
    tensors = load_file(folder / PLACE_NETWORK)
    tensors["azimuth.bias"] = torch.zeros(3)
    save_file(tensors, folder / PLACE_NETWORK)
    with pytest.raises(WeightsError, match=r"azimuth\.bias"):
        Template(folder, device)


def test_what_needs_a_skeleton_is_refused_where_none_is_written(
    runner: asyncio.Runner, engine: Template, tmp_path: Path
) -> None:
    for fields in ({"clips": ["walk"]}, {"formats": ["vrm"]}):
        job = Job({}, tmp_path, export_rig=False)
        with pytest.raises(InputError, match="skeleton") as caught:
            runner.run(engine.run_from(Request.model_validate(SMALL | {"photos": ["p"]} | fields), job, "photos"))
        assert caught.value.code == "no_rig"


def test_levels_of_detail_count_the_triangles() -> None:
    asked = Request.model_validate({"photos": ["p"], "lods": [60_000, 20_000, 7_000]})
    assert (asked.most_faces, Request.model_validate({"photos": ["p"], "faces": 5_000}).most_faces) == (60_000, 5_000)
    four = {"lods": [500_000, 4_000, 3_000, 500]}
    Request.model_validate({"photos": ["p"]} | four)
    for wrong in ([], [499], [500_001], [7_000, 20_000], [7_000, 7_000], [5_000, 4_000, 3_000, 2_000, 1_000]):
        with pytest.raises(ValidationError, match="lods"):
            Request.model_validate({"photos": ["p"], "lods": wrong})
    with pytest.raises(ValidationError, match="either 'faces' or 'lods'"):
        Request.model_validate({"photos": ["p"], "lods": [6_000], "faces": 5_000})
