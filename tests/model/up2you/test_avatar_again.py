"""The same avatar again: in company, stage by stage, and from the files of an earlier run."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
import trimesh

from model.avatar import stage_files
from model.avatar.parts import PARTS
from model.avatar.request import STAGES, Stage
from model.engine import Job
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.request import Request as TryOnRequest
from model.engines.up2you.pipeline import UP2YouPipeline
from model.errors import InputError
from model.weights.pack import DEMO
from tests.gltf import complaints
from tests.model.catvton.test_tryon import FILES
from tests.model.up2you.avatar_files import OF_STAGES, Files, assert_nearly_same, levels, positions, same
from tests.model.up2you.conftest import Portrait
from tests.model.up2you.studio import Studio, tiny


@pytest.fixture(scope="module")
def company(studio: Studio, photos: Files) -> tuple[dict[str, Path], list[str]]:
    """The portrait's seed again and another one, while a try-on runs; and who was ready when."""
    tryon, order = CatVTON(DEMO, studio.avatar.networks.device), []
    folders = {name: studio.fresh() for name in ("again", "other", "tryon")}
    cheap: dict[str, Any] = {"stages": STAGES, "texture": "vertex"}
    dress = TryOnRequest(person="p", garment="g", mask="m", width=96, height=128, steps=6, seed=1)

    async def dressed() -> None:
        async with tryon.device.live("tryon", tryon.resident_bytes(dress)):
            await tryon.run(dress, Job(FILES, folders["tryon"]))

    async def ready(name: str, work: Awaitable[None]) -> None:
        await work
        order.append(name)

    async def all_at_once() -> None:
        avatars = {
            "again": studio.live(tiny(2, **cheap), Job(photos, folders["again"])),
            "other": studio.live(tiny(2, **cheap, seed=2), Job(photos, folders["other"])),
        }
        await asyncio.gather(*(ready(name, work) for name, work in avatars.items()), ready("tryon", dressed()))

    studio.runner.run(all_at_once())
    return folders, order


def test_the_same_seed_gives_the_same_avatar_in_any_company(
    portrait: Portrait, company: tuple[dict[str, Path], list[str]]
) -> None:
    assert_nearly_same(company[0]["again"], portrait.folder)


def test_another_seed_gives_another_avatar_of_the_same_body(
    portrait: Portrait, company: tuple[dict[str, Path], list[str]]
) -> None:
    other = company[0]["other"]
    assert same(portrait.folder, other, "photos")
    betas = [json.loads((folder / "body.json").read_text())["betas"] for folder in (other, portrait.folder)]
    assert betas[0] == pytest.approx(betas[1], abs=1e-5)
    for name in ("rgb_0.png", "normal_0.png"):
        assert np.abs(levels(other / name) - levels(portrait.folder / name))[..., :3].mean() > 1
    assert (other / "mesh.ply").read_bytes() != (portrait.folder / "mesh.ply").read_bytes()


def test_a_tryon_is_ready_before_the_avatars_it_came_after(company: tuple[dict[str, Path], list[str]]) -> None:
    folders, order = company
    assert order[0] == "tryon"
    assert (folders["tryon"] / "result.png").is_file()


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_runs_alone_on_the_files_of_those_before_it(
    studio: Studio, photos: Files, portrait: Portrait, stage: Stage
) -> None:
    out = studio.fresh()
    job = Job(photos if stage == "photos" else {}, out)
    pipeline = UP2YouPipeline(studio.avatar.networks, tiny(2, formats=["obj", "ply"]), job)
    for earlier in STAGES[: STAGES.index(stage)]:
        stage_files.load(earlier, pipeline.subject, portrait.folder)

    async def alone() -> None:
        async with pipeline.device.live("avatar", 0):
            await pipeline.stages[stage]()

    studio.runner.run(alone())
    stage_files.save(stage, pipeline.subject, out)
    assert {file.name for file in out.iterdir()} == set(OF_STAGES[stage])
    if stage == "export":  # stage files have colours of 8 bits
        assert (positions(out) == positions(portrait.folder)).all()
        assert np.abs(levels(out / "avatar.png") - levels(portrait.folder / "avatar.png")).max() <= 1
    else:
        assert same(out, portrait.folder, stage)


def test_the_colours_of_an_earlier_run_give_the_same_files(studio: Studio, portrait: Portrait) -> None:
    out = Path(shutil.copytree(portrait.folder, studio.folder / "colour"))
    for name in OF_STAGES["export"]:
        (out / name).unlink()
    studio.run({}, first="colour", out=out, formats=["obj", "ply"])
    assert same(out, portrait.folder, "export")


@pytest.mark.parametrize("stage", STAGES[1:])
def test_a_stage_whose_files_are_missing_is_told(studio: Studio, portrait: Portrait, stage: Stage) -> None:
    out = Path(shutil.copytree(portrait.folder, studio.fresh(), dirs_exist_ok=True))
    missing = STAGES[STAGES.index(stage) - 1]
    for name in OF_STAGES[missing]:
        (out / name).unlink()
    with pytest.raises(InputError, match=f"'{missing}' has left nothing") as caught:
        studio.run({}, first=stage, out=out)
    assert (caught.value.code, caught.value.field) == ("no_stage", "from_stage")


def test_the_body_alone_has_no_stage_of_the_clothes(studio: Studio, portrait: Portrait) -> None:
    with pytest.raises(InputError) as caught:
        studio.run({}, first="mesh", out=portrait.folder, body_only=True)
    assert (caught.value.code, caught.value.field) == ("no_stage", "from_stage")


def test_parts_come_from_labels_of_the_views(studio: Studio, portrait: Portrait) -> None:
    """What the untrained views show is anything; each triangle has a part all the same."""
    out = Path(shutil.copytree(portrait.folder, studio.fresh(), dirs_exist_ok=True))
    studio.run({}, first="export", out=out, parts=True, texture="vertex")
    document = pygltflib.GLTF2().load(str(out / "avatar.glb"))
    names = [mesh.name for mesh in document.meshes]
    assert names
    assert set(names) <= set(PARTS)
    counts = [document.accessors[mesh.primitives[0].indices].count for mesh in document.meshes]
    assert sum(counts) // 3 >= len(trimesh.load_mesh(out / "colour.ply", process=False).faces)
    assert complaints(out / "avatar.glb") == []
