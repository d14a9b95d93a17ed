"""The engine from photos to files, on the built-in tiny networks."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pygltflib
import pytest
import torch
import trimesh
from numpy.typing import NDArray
from PIL import Image

from model.avatar import stage_files
from model.avatar.request import STAGES, Stage
from model.body.a_pose import pose_a
from model.body.joints import JOINTS
from model.engine import Job
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.request import Request as TryOnRequest
from model.engines.up2you.engine import UP2You
from model.engines.up2you.pipeline import UP2YouPipeline
from model.errors import InputError
from model.mesh.placement import grounded
from model.perception.matting import light_model
from model.weights.pack import DEMO
from tests.gltf import complaints
from tests.model.catvton.test_tryon import FILES
from tests.model.up2you.conftest import Portrait
from tests.model.up2you.studio import Studio, tiny

Files = dict[str, Path]

OF_STAGES: dict[Stage, tuple[str, ...]] = {
    "photos": tuple(f"photo_{i}.png" for i in range(2)),
    "features": ("features.safetensors",),
    "shape": ("shape.json",),
    "poses": ("poses.safetensors", *(f"pose_{i}.png" for i in range(6))),
    "weights": ("weights.safetensors", *(f"weights_{i}.png" for i in range(6))),
    "rgb": tuple(f"rgb_{i}.png" for i in range(6)),
    "normals": tuple(f"normal_{i}.png" for i in range(6)),
    "mesh": ("mesh.ply",),
    "colour": ("colour.ply",),
    "export": ("avatar.glb", "avatar.obj", "avatar.mtl", "avatar.png", "avatar.ply", "body.json"),
}
VIEWS: tuple[Stage, ...] = ("rgb", "normals")


def same(one: Path, other: Path, *stages: Stage) -> bool:
    """Whether both folders hold the same bytes of these stages."""
    names = [name for stage in stages for name in OF_STAGES[stage]]
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def assert_nearly_same(one: Path, other: Path) -> None:
    """Views and meshes but for the rounding of sums that are added up in another order."""
    for name in (name for stage in VIEWS for name in OF_STAGES[stage]):
        difference = np.abs(levels(one / name) - levels(other / name))
        assert difference.max() <= 4
        assert (difference > 0).mean() < 0.01
    found, expected = (trimesh.load_mesh(folder / "mesh.ply", process=False) for folder in (one, other))
    assert found.bounds == pytest.approx(expected.bounds, abs=1e-3)
    assert found.volume == pytest.approx(expected.volume, rel=1e-3)


def glb(folder: Path) -> pygltflib.GLTF2:
    return pygltflib.GLTF2().load(folder / "avatar.glb")


def positions(folder: Path) -> NDArray[np.float64]:
    return np.asarray(trimesh.load_mesh(folder / "avatar.glb", process=False).vertices)


def levels(file: Path) -> NDArray[np.int16]:
    return np.asarray(Image.open(file)).astype(np.int16)


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


# -- the same again ------------------------------------------------------------------------------------------------


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


# -- photos that are not as they should be -------------------------------------------------------------------------


def beside_each_other(photo: Image.Image) -> Image.Image:
    pair = Image.new("RGBA", (2 * photo.width, photo.height))
    for i in range(2):
        pair.paste(photo, (i * photo.width, 0))
    return pair


def headless(photo: Image.Image) -> Image.Image:
    box = photo.getchannel("A").getbbox()
    assert box is not None
    return photo.crop((0, (box[1] + box[3]) // 2, *photo.size))


@pytest.mark.parametrize(
    ("changed", "count", "code", "said"),
    [
        (lambda photo: photo, 1, "one_photo", "only one photo"),
        (beside_each_other, 2, "several_people", "photos.1"),
        (headless, 2, "no_head", "every photo"),
    ],
)
def test_photos_that_show_too_little_or_too_many_are_used_with_a_warning(
    studio: Studio,
    photos: Files,
    tmp_path: Path,
    changed: Callable[[Image.Image], Image.Image],
    count: int,
    code: str,
    said: str,
) -> None:
    photo = changed(Image.open(photos["photos.1"]))
    photo.save(tmp_path / "changed.png")
    files = {f"photos.{i}": tmp_path / "changed.png" for i in range(count)}
    _, job = studio.run(files, body_only=True)
    [warning] = job.warnings
    assert warning["code"] == code
    assert said in warning["message"]


def no_picture(file: Path) -> None:
    file.write_bytes(b"not a picture")


def nobody(file: Path) -> None:
    Image.new("RGBA", (60, 80)).save(file, "PNG")


@pytest.mark.parametrize(("write", "code"), [(no_picture, "image_unreadable"), (nobody, "no_person")])
def test_a_photo_that_cannot_be_used_is_named(
    studio: Studio, photos: Files, tmp_path: Path, write: Callable[[Path], None], code: str
) -> None:
    write(tmp_path / "bad")
    with pytest.raises(InputError) as caught:
        studio.run(photos | {"photos.1": tmp_path / "bad"})
    assert (caught.value.code, caught.value.field) == (code, "photos.1")


@pytest.mark.skipif(light_model() is not None, reason="the light matting model is installed")
def test_without_a_matting_model_photos_need_a_background_of_their_own(
    photos: Files, tmp_path: Path, studio: Studio
) -> None:
    weights = Path(shutil.copytree(DEMO, tmp_path / "weights", ignore=shutil.ignore_patterns("matting.onnx")))
    bare = Studio(UP2You(weights, studio.avatar.networks.device), studio.runner, tmp_path)
    for body_only, field in ((False, "photos"), (True, "photos.0")):
        with pytest.raises(InputError) as caught:
            bare.run(photos, body_only=body_only)
        assert (caught.value.code, caught.value.field) == ("no_matting", field)
    bare.run({"photos.0": photos["photos.1"]}, body_only=True)


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
