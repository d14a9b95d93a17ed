"""The engine from photos to files, on the built-in tiny networks."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import av
import pytest
import torch
import trimesh

from model.avatar.request import STAGES, Stage
from model.body.a_pose import pose_a
from model.body.joints import JOINTS
from model.engine import Job
from model.engines.up2you.engine import UP2You
from model.mesh.placement import grounded
from model.weights.pack import DEMO
from tests.gltf import complaints
from tests.model.up2you.avatar_files import OF_STAGES, VIEWS, Files, assert_nearly_same, glb, levels, positions, same
from tests.model.up2you.conftest import Portrait
from tests.model.up2you.studio import Studio, tiny

# -- what comes out ------------------------------------------------------------------------------------------------


def test_everything_asked_for_is_there_and_nothing_else(portrait: Portrait) -> None:
    turning = ("turntable.mp4", "turntable.webm", *(f"preview_{i}.png" for i in range(8)))
    names = [name for stage in STAGES for name in OF_STAGES[stage]]
    assert {file.name for file in portrait.folder.iterdir()} == {*names, *turning}
    assert portrait.job.warnings == []


def test_the_glb_is_a_small_rigged_person_on_the_ground(portrait: Portrait) -> None:
    document = glb(portrait.folder)
    [primitive] = document.meshes[0].primitives
    assert 1500 < document.accessors[primitive.indices].count / 3 <= 2000
    assert len(document.skins[0].joints) == len(JOINTS) == 55
    assert (len(document.images), primitive.attributes.COLOR_0) == (1, None)
    low, high = positions(portrait.folder).min(0), positions(portrait.folder).max(0)
    assert low[1] == pytest.approx(0, abs=1e-5)
    assert 1.4 < high[1] < 2.1
    assert (low + high)[[0, 2]] == pytest.approx(0, abs=1e-5)
    assert complaints(portrait.folder / "avatar.glb") == []


def test_body_json_gives_no_measurements_of_a_shape_that_nobody_found(portrait: Portrait) -> None:
    said = json.loads((portrait.folder / "body.json").read_text())
    assert len(said["betas"]) == 10
    assert set(said["joints"]) == set(JOINTS)
    assert "measurements" not in said  # the built-in shape predictor's numbers are random


def test_weights_of_which_nobody_says_that_they_are_untrained_are_measured_by(
    studio: Studio, photos: Files, tmp_path: Path
) -> None:
    weights = shutil.copytree(DEMO, tmp_path / "weights")
    (weights / "manifest.json").unlink()
    out, _ = Studio(UP2You(weights, studio.avatar.networks.device), studio.runner, tmp_path).run(photos, body_only=True)
    assert 1.4 < json.loads((out / "body.json").read_text())["measurements"]["height"] < 2.1


def test_the_turntable_is_a_circle_of_pictures(portrait: Portrait) -> None:
    with av.open(portrait.folder / "turntable.mp4") as video:
        assert sum(1 for _ in video.decode(video=0)) == 64
    front, behind = (levels(portrait.folder / f"preview_{i}.png") for i in (0, 4))
    assert front.shape == behind.shape
    outlines = [(picture < 250).any(axis=2) for picture in (front, behind[:, ::-1])]
    assert (outlines[0] & outlines[1]).sum() / (outlines[0] | outlines[1]).sum() > 0.9  # seen from the other side


def test_progress_is_told_stage_by_stage(portrait: Portrait) -> None:
    assert list(dict.fromkeys(stage for stage, _, _ in portrait.told)) == [*STAGES, "turntable"]
    assert [told for told in portrait.told if told[0] == "photos"] == [
        ("photos", 0, 1),
        *(("photos", done, 2) for done in (1, 2)),
    ]
    for stage, total in (("rgb", 2), ("normals", 2), ("mesh", 3), ("turntable", 64)):
        done = [(done, of) for name, done, of in portrait.told if name == stage]
        assert done[-1] == (total, total)
        assert done == sorted(done)


# -- other ways to ask ---------------------------------------------------------------------------------------------


def test_one_network_at_a_time_gives_the_same_avatar(small_studio: Studio, photos: Files, portrait: Portrait) -> None:
    out, _ = small_studio.run(photos, stages=["shape", "weights", *VIEWS, "mesh"], texture="vertex")
    assert same(out, portrait.folder, "shape", "weights")
    assert_nearly_same(out, portrait.folder)


def test_the_body_alone_is_the_posed_body_and_nothing_is_painted(
    studio: Studio, photos: Files, portrait: Portrait
) -> None:
    out, job = studio.run(photos, body_only=True, stages=["shape"])
    assert {file.name for file in out.iterdir()} == {"avatar.glb", "body.json", "shape.json"}
    assert same(out, portrait.folder, "shape")
    assert job.stage_seconds.keys().isdisjoint({"rgb", "normals", "mesh"})
    body = studio.avatar.networks.resources.body
    posed = pose_a(body, torch.tensor(json.loads((out / "shape.json").read_text())["betas"])).vertices
    assert positions(out) == pytest.approx((posed + grounded(posed)).numpy(), abs=1e-6)
    assert (len(glb(out).skins[0].joints), glb(out).images) == (55, [])


def test_colours_of_vertices_need_no_picture_and_no_rig_leaves_no_skin(studio: Studio, portrait: Portrait) -> None:
    out = Path(shutil.copytree(portrait.folder, studio.folder / "vertex"))
    studio.run({}, first="export", out=out, texture="vertex", rig=False)
    document = glb(out)
    attributes = document.meshes[0].primitives[0].attributes
    assert attributes.COLOR_0 is not None
    assert (document.images, document.textures, document.skins) == ([], [], [])
    assert (attributes.JOINTS_0, attributes.WEIGHTS_0) == (None, None)
    assert "joints" not in json.loads((out / "body.json").read_text())
    assert len(positions(out)) == len(trimesh.load_mesh(out / "colour.ply", process=False).vertices)


def test_the_published_slips_can_be_had(studio: Studio, photos: Files, portrait: Portrait) -> None:
    """They thin the mattes and round the body; from there on everything is a little different."""
    out, _ = studio.run(photos, reference=True, texture="vertex", steps=1, stages=["photos", "mesh"])
    thinner = [levels(folder / "photo_1.png")[..., 3].sum() for folder in (out, portrait.folder)]
    assert thinner[0] < thinner[1]
    assert (out / "mesh.ply").read_bytes() != (portrait.folder / "mesh.ply").read_bytes()
    assert complaints(out / "avatar.glb") == []


def test_larger_views_and_more_photos_hold_more_memory(studio: Studio) -> None:
    held = [studio.avatar.resident_bytes(tiny(photos, size=size)) for photos, size in ((2, 64), (40, 64), (40, 256))]
    assert 0 < held[0] < held[1] < held[2]
    folder = tiny(1, photos=None, photos_prefix="s3://bucket/key/")
    assert studio.avatar.resident_bytes(folder) == studio.avatar.resident_bytes(tiny(64))


def test_the_body_alone_and_smaller_requests_are_less_work() -> None:
    asked: list[dict[str, Any]] = [{"body_only": True}, {}, {"iterations": 300}, {"size": 256}, {"size": 768}]
    work = [tiny(2, **fields).work() for fields in asked]
    assert work == sorted(work)
    assert 0 < work[0] < work[1] / 10


# -- leaving -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stage", "first"), [("rgb", "rgb"), ("mesh", "mesh")])
def test_cancelling_lets_the_next_job_in_at_once(
    small_studio: Studio, portrait: Portrait, stage: str, first: Stage
) -> None:
    """Of jobs that would go on for minutes, on a device that has room for one."""
    device = small_studio.avatar.networks.device
    begun = asyncio.Event()
    out = Path(shutil.copytree(portrait.folder, small_studio.fresh(), dirs_exist_ok=True))
    job = Job({}, out, on_progress=lambda name, done, total: begun.set() if (name, done > 0) == (stage, True) else None)

    async def leave() -> tuple[int, int]:
        long = asyncio.create_task(small_studio.live(tiny(1, steps=200, iterations=2000), job, first))
        await begun.wait()
        long.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long
        before = device.stats.forwards
        async with device.live("tryon", 2**60):
            await device.run(lambda: None)
        await asyncio.sleep(0.3)
        return before, device.stats.forwards

    before, after = small_studio.runner.run(leave())
    assert after - before <= 2  # the one under way, and the next job's
