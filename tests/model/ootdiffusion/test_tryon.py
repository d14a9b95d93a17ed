"""Whole requests: in company, again, in the photo, and over HTTP."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from model.__main__ import main
from model.engine import Job
from model.engines.ootdiffusion.engine import OOTDiffusion
from model.engines.ootdiffusion.networks import GarmentFeatures
from model.engines.ootdiffusion.request import Request
from model.errors import InputError
from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from tests.model.ootdiffusion.recorded import CASES, GREY_LEVELS, Case
from tests.server import Server

NAMES = (
    "hd_s4_g2_n1",
    "hd_s2_g1.5_n2",
    "dc_lower_s4_g2_n1",
    "hd_softmask_s2_g2",
    "hd_mask0_s2_g2",
    "dc_upper_s1_g1_n1",
)
RECORDED = [case for case in CASES if case.folder.name in NAMES]


def fields(case: Case) -> dict[str, Any]:
    """A recorded case as one request."""
    call = case.call
    size = dict(zip(("width", "height"), call["result_size"], strict=True))
    sampling = {"steps": call["num_steps"], "guidance": call["image_scale"], "seed": call["seed"]}
    return {"reference": True, "variant": case.variant, "category": case.category, **size, **sampling}


class Shop:
    """Runs requests, each in a fresh folder."""

    def __init__(self, engine: OOTDiffusion, runner: asyncio.Runner, folder: Path) -> None:
        self.engine, self.runner, self.folder, self.jobs = engine, runner, folder, 0

    def dress(self, case: Case, **given: Any) -> list[NDArray[np.uint8]]:
        """All samples."""
        return self.dress_all([(case, given)])[0]

    def dress_all(self, asked: Sequence[tuple[Case, dict[str, Any]]]) -> list[list[NDArray[np.uint8]]]:
        """Several requests at once."""

        async def together() -> list[list[NDArray[np.uint8]]]:
            return await asyncio.gather(*(self._one(case, given) for case, given in asked))

        return self.runner.run(together())

    async def _one(self, case: Case, given: dict[str, Any]) -> list[NDArray[np.uint8]]:
        outputs = self.folder / str(self.jobs)
        self.jobs += 1
        outputs.mkdir()
        files = {name: case.file(name) for name in ("person", "garment", "mask")}
        request = Request.model_validate({**dict.fromkeys(files, "given"), **given})
        async with self.engine.device.live("ootdiffusion", self.engine.resident_bytes(request)):
            await self.engine.run(request, Job(files, outputs))
        return [pixels(file.read_bytes()) for file in sorted(outputs.iterdir(), key=lambda file: len(file.name))]


def pixels(picture: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def levels(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> int:
    assert ours.shape == theirs.shape
    return int(np.abs(ours.astype(int) - theirs).max())


@pytest.fixture
def shop(engine: OOTDiffusion, runner: asyncio.Runner, tmp_path: Path) -> Shop:
    return Shop(engine, runner, tmp_path)


def test_recorded_cases_are_requests_and_company_changes_nothing(shop: Shop) -> None:
    before = shop.engine.device.stats.rows.copy()
    together = shop.dress_all([(case, fields(case)) for case in RECORDED])
    assert max(shop.engine.device.stats.rows - before) > 1  # they did share forwards
    for case, (picture,) in zip(RECORDED, together, strict=True):
        assert levels(picture, case.result(0)) <= GREY_LEVELS
        (alone,) = shop.dress(case, **fields(case))
        assert levels(picture, alone) <= 1


def test_a_sample_is_the_request_with_the_next_seed(shop: Shop) -> None:
    case = RECORDED[0]
    given = {**fields(case), "steps": 2}
    _, second = shop.dress(case, **given, samples=2)
    (alone,) = shop.dress(case, **{**given, "seed": given["seed"] + 1})
    assert levels(second, alone) <= 1


def test_the_next_person_in_a_garment_finds_it_seen(shop: Shop) -> None:
    case = RECORDED[0]
    given = {**fields(case), "steps": 2, "guidance": 3.21 + shop.jobs}
    stats = shop.engine.device.stats
    (first,) = shop.dress(case, **given)
    before = stats.forwards
    (again,) = shop.dress(case, **given)
    assert (first == again).all()
    assert stats.forwards - before <= 2 + 2 + 1  # two encodings, two steps, a decoding: no garment


@pytest.mark.parametrize("waiting", [0, 1])
def test_a_garment_seen_for_one_who_left_is_there_for_those_who_wait_and_the_next(shop: Shop, waiting: int) -> None:
    networks, picture = shop.engine.networks, Image.new("RGB", (48, 64), (9, 99, 199 + waiting))
    passes, begun, go_on = [], threading.Event(), threading.Event()

    def begin(*unused: object) -> None:
        passes.append(waiting)
        begun.set()
        assert go_on.wait(180)

    async def look() -> GarmentFeatures:
        async with networks.device.live("ootdiffusion", 0):
            return await networks.see_garment("hd", "upper", picture, guided=True)

    async def one_leaves() -> list[GarmentFeatures]:
        leaver, *stayers = (asyncio.create_task(look()) for _ in range(1 + waiting))
        assert await asyncio.to_thread(begun.wait, 180)
        leaver.cancel()
        await asyncio.gather(leaver, return_exceptions=True)
        before = networks.device.stats.forwards
        go_on.set()
        while networks.device.stats.forwards == before:
            await asyncio.sleep(0)
        return [*await asyncio.gather(*stayers), await look()]

    hook = networks.variants["hd"].garment_pass.module.register_forward_pre_hook(begin)
    first, *others = shop.runner.run(one_leaves())
    hook.remove()
    assert passes == [waiting]
    assert all(torch.equal(key, same) for one in others for key, same in zip(first.keys, one.keys, strict=True))


def test_a_garment_is_kept_where_there_is_just_room_for_it(
    weights: Path, runner: asyncio.Runner, tmp_path: Path
) -> None:
    case = RECORDED[0]
    given = {**fields(case), "steps": 1}
    for lacking, kept in ((0, True), (1, False)):
        needed = garment_bytes(weights, given) - lacking
        device = Device(torch.device("cpu"), config=DeviceConfig(garment_cache_bytes=needed))
        (tmp_path / str(lacking)).mkdir()
        shop = Shop(OOTDiffusion(weights, device), runner, tmp_path / str(lacking))
        rows = [0]  # how many share a forward is chance
        for _ in range(2):
            shop.dress(case, **given)
            rows.append(sum(n * count for n, count in device.stats.rows.items()))
        assert (rows[2] - rows[1] < rows[1] - rows[0]) == kept  # a garment is encoded, embedded and seen
        device.close()


def garment_bytes(weights: Path, given: dict[str, Any]) -> int:
    device = Device(torch.device("cpu"))
    networks = OOTDiffusion(weights, device).networks.variants[given["variant"]]
    keys = networks.empty_keys(torch.zeros(1, 4, given["height"] // 8, given["width"] // 8))
    device.close()
    prompt: int = {"hd": 2, "dc": 4}[given["variant"]] * networks.stock.config.cross_attention_dim * 4
    return sum(key.nbytes for key in keys) + prompt


def test_outside_the_mask_the_photo_stays(shop: Shop) -> None:
    case = next(case for case in CASES if case.folder.name == "hd_s4_g2_n1")
    (picture,) = shop.dress(case, width=96, height=128, steps=2, seed=1)
    person, mask = (np.asarray(case.picture(name)) for name in ("person", "mask"))
    changed = (picture != person).any(-1)
    assert changed[mask > 0].mean() > 0.5
    above = np.flatnonzero((mask > 0).any(1))[0] - 12  # further than the seam is soft
    assert above > 0
    assert not changed[:above].any()


def test_a_variant_that_is_not_there_is_named(engine: OOTDiffusion) -> None:
    lone = engine.networks.variants.pop("dc")
    try:
        with pytest.raises(InputError, match="variant 'dc' is not loaded, only hd") as caught:
            engine.check(Request.model_validate({"person": "p", "garment": "g", "category": "lower"}))
        assert (caught.value.code, caught.value.field) == ("variant_not_loaded", "variant")
    finally:
        engine.networks.variants["dc"] = lone


def test_the_published_scripts_options_do_on_the_command_line(weights: Path, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.folder.name == "dc_dress_s4_g2_n1")
    pictures = ["--model_path", case.file("person"), "--cloth_path", case.file("garment"), "--mask", case.file("mask")]
    published = ["--model_type", "dc", "--category", 2, "--scale", 2.0, "--step", 4, "--sample", 1, "--seed", 31]
    ours = ["--width", 96, "--height", 128, "--reference", "--model-dir", weights, "--device", "cpu"]
    options = [*pictures, *published, *ours, "--out", tmp_path / "new"]
    assert main(["ootdiffusion", *map(str, options)]) == 0
    assert levels(pixels((tmp_path / "new/result.png").read_bytes()), case.result(0)) <= GREY_LEVELS


def test_a_recorded_case_is_one_request_over_http(weights: Path, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.folder.name == "dc_dress_s4_g2_n1")
    server = Server(tmp_path, module="container", MODEL_DIR=weights, ENGINES="ootdiffusion")
    try:
        server.wait_ready()
        pictures = {
            name: base64.b64encode(case.file(name).read_bytes()).decode() for name in ("person", "garment", "mask")
        }
        body = {"type": "tryon", "engine": "ootdiffusion", **pictures, **fields(case), "category": "dress"}
        answer = server.client.post("/invocations", json=body, headers={"Accept": "image/png"})
        assert answer.status_code == httpx.codes.OK, answer.text
        assert levels(pixels(answer.content), case.result(0)) <= GREY_LEVELS
    finally:
        server.close()
