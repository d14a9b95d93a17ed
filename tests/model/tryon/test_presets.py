"""`quality`: what it sets, and what it leaves to the request and the pack."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from model.engines.catvton.presets import PRESETS, Quality
from model.engines.catvton.request import Request

PACK = {"width": 384, "height": 512, "steps": 30, "guidance": 1.5, "eta": 0.5}


def resolved(pack: dict[str, Any] = PACK, **body: Any) -> dict[str, Any]:
    """The settings of a request to a server of this pack."""
    return Request.model_validate({"person": "p", "garment": "g", **body}, context=pack).settings()


def sampling(settings: dict[str, Any]) -> tuple[str, int]:
    return settings["solver"], settings["steps"]


def test_without_a_quality_it_is_the_best_and_all_is_as_the_pack_has_it() -> None:
    assert resolved() == resolved(quality="best") == {**PACK, "quality": "best", "solver": "ddim"}
    assert sampling(resolved({})) == ("ddim", 50)


def test_each_preset_has_its_solver_and_steps_and_leaves_the_rest_to_the_pack() -> None:
    shared = {"solver": "dpmpp", "eta": 0}
    assert resolved(quality="balanced") == {**PACK, "quality": "balanced", **shared, "steps": 20}
    assert resolved(quality="fast") == {**PACK, "quality": "fast", **shared, "steps": 10}


@pytest.mark.parametrize("quality", get_args(Quality))
@pytest.mark.parametrize("steps", [1, 3, 10, 15, 50])
def test_a_preset_never_takes_more_steps_than_the_pack(steps: int, quality: str) -> None:
    assert resolved({"steps": steps}, quality=quality)["steps"] <= steps


def test_what_is_given_beside_a_preset_wins() -> None:
    assert sampling(resolved(quality="fast", steps=40)) == ("dpmpp", 40)
    assert sampling(resolved(quality="balanced", solver="ddim")) == ("ddim", 20)
    assert sampling(resolved(solver="dpmpp")) == ("dpmpp", 30)
    assert resolved(quality="fast", eta=0.25)["eta"] == 0.25


def test_a_preset_needs_no_pack() -> None:
    assert sampling(Request(person="p", garment="g", quality="fast").settings()) == ("dpmpp", 10)


def test_less_quality_is_less_work() -> None:
    work = [Request(person="p", garment="g", quality=quality).work() for quality in PRESETS]
    assert work == sorted(work, reverse=True)
    assert len(set(work)) == len(PRESETS)
    assert Request(person="p", garment="g", quality="fast").work() == Request(person="p", garment="g", steps=10).work()


def test_what_was_resolved_stays_so_when_the_request_is_read_again() -> None:
    """It travels to the worker, and over a restart, as JSON."""
    request = Request.model_validate({"person": "p", "garment": "g", "quality": "fast"}, context={"steps": 4})
    assert Request.model_validate(request.emptied().model_dump(mode="json")).settings() == request.settings()


def test_a_mask_alone_has_no_sampling() -> None:
    assert Request(person="p", mask_only=True, quality="fast").settings() == {}


@pytest.mark.parametrize("quality", [None, "", "FAST", 1, [], {"fast": 1}])
def test_what_is_no_quality_is_refused_by_name(quality: object) -> None:
    with pytest.raises(ValidationError, match="quality"):
        resolved(quality=quality)
