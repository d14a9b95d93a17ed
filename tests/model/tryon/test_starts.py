"""Sampling that starts in the warped garment: a named option of the try-ons by diffusion."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from model.engine import Engine, Job, Loaded
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.request import Request as CatVTONRequest
from model.engines.ootdiffusion.request import Request as OOTDiffusionRequest
from model.engines.registry import engine_class
from model.errors import InputError
from tests.model.catvton.test_tryon import FILES
from tests.model.tryon.drawing import array, opened
from tests.model.warp.conftest import write_random_weights

BODY = {"person": "p", "garment": "g", "mask": "m", "width": 96, "height": 128, "steps": 4, "seed": 5, "eta": 0.0}


class Shop:
    """Two engines on one device."""

    def __init__(self, catvton: CatVTON, runner: asyncio.Runner, folder: Path) -> None:
        write_random_weights(folder)
        self.device = catvton.device
        engines: dict[str, Engine] = {"catvton": catvton, "warp": engine_class("warp")(folder, self.device)}  # type: ignore[dict-item]
        self.engines = {name: Loaded(engine) for name, engine in engines.items()}
        self.runner, self.folder, self.jobs = runner, folder, 0

    def dress(self, name: str, body: dict[str, Any]) -> NDArray[np.int64]:
        outputs = self.folder / f"out_{self.jobs}"
        outputs.mkdir()
        self.jobs += 1
        job = Job(FILES, outputs, engines=self.engines)
        loaded = self.engines[name]
        request = loaded.request(body | {"repaint": False})

        async def live() -> None:
            async with self.device.live(name, loaded.engine.resident_bytes(request)):
                await loaded.engine.run(request, job)

        self.runner.run(live())
        return array(opened(outputs / "result.png")).astype(np.int64)

    def painted(self, **fields: Any) -> NDArray[np.int64]:
        return self.dress("catvton", BODY | fields)


@pytest.fixture
def shop(tryon: CatVTON, runner: asyncio.Runner, tmp_path: Path) -> Shop:
    return Shop(tryon, runner, tmp_path)


def test_the_start_decides_and_the_same_request_gives_the_same_bytes(shop: Shop) -> None:
    noise, warp, again = shop.painted(), shop.painted(init="warp"), shop.painted(init="warp")
    assert (warp == again).all()
    assert (warp != noise).any()
    with_others = shop.painted(init="warp", init_strength=0.25)
    assert (with_others != warp).any()


def test_at_full_strength_hardly_more_than_noise_is_seen(shop: Shop) -> None:
    noise, full, half = shop.painted(), *(shop.painted(init="warp", init_strength=share) for share in (1.0, 0.5))
    assert np.abs(full - noise).mean() < np.abs(half - noise).mean() / 4


def test_only_the_last_steps_are_taken_and_counted(shop: Shop) -> None:
    stats = shop.device.stats
    before = stats.forwards
    shop.painted()
    of_all = stats.forwards - before
    before = stats.forwards
    shop.painted(init="warp", init_strength=0.25)
    # One step instead of four, and the warp; its result is encoded, what was encoded before is not.
    assert stats.forwards - before <= of_all - 3 + 2
    request, started = (CatVTONRequest.model_validate(BODY | extra) for extra in ({}, {"init": "warp"}))
    assert started.work() < request.work()
    assert (request.first_step(4), started.first_step(4), started.first_step(1)) == (0, 2, 0)


def test_the_answer_names_the_start_only_where_there_is_one() -> None:
    for kind in (CatVTONRequest, OOTDiffusionRequest):
        body = {"person": "p", "garment": "g"}
        assert "init" not in kind.model_validate(body).settings()
        assert kind.model_validate(body | {"init": "warp"}).settings().items() >= {
            ("init", "warp"),
            ("init_strength", 0.6),
        }


def test_what_is_written_to_disk_is_the_same_request() -> None:
    for kind in (CatVTONRequest, OOTDiffusionRequest):
        for extra in ({}, {"init": "warp"}, {"init": "warp", "init_strength": 0.3}):
            request = kind.model_validate({"person": "p", "garment": "g", **extra})
            again = kind.model_validate(request.model_dump(mode="json"))
            assert (again.init, again.strength) == (request.init, request.strength)


def test_whoever_warps_works_on_it_too() -> None:
    for kind in (CatVTONRequest, OOTDiffusionRequest):
        request = kind.model_validate({"person": "p", "garment": "g", "width": 96, "height": 128, "init": "warp"})
        [(place, engine, body)] = request.parts_of_others()
        assert (place, engine) == ("init", "warp")
        assert (body["width"], body["height"], body["repaint"]) == (96, 128, False)
        assert request.engines() == [request.engine, "warp"]
        assert request.own_passes() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"init": "cloth"},
        {"init_strength": 0.5},
        {"init": "warp", "init_strength": 0},
        {"init": "warp", "init_strength": 1.01},
        {"init": "warp", "garment": None, "garments": {"upper": "u", "lower": "l"}},
    ],
)
def test_a_start_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CatVTONRequest.model_validate({"person": "p", "garment": "g"} | fields)
    with pytest.raises(ValidationError):
        OOTDiffusionRequest.model_validate({"person": "p", "garment": "g"} | fields)


def test_without_a_mask_there_is_no_start(maskfree: CatVTON) -> None:
    request = CatVTONRequest.model_validate({"person": "p", "garment": "g", "init": "warp"})
    with pytest.raises(InputError, match="'init' warp"):
        maskfree.check(request)


def test_the_reference_starts_in_noise() -> None:
    with pytest.raises(ValidationError, match="starts in noise"):
        OOTDiffusionRequest.model_validate({"person": "p", "garment": "g", "reference": True, "init": "warp"})
