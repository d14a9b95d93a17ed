"""Outfits over HTTP: files that are no pictures, earlier jobs' files, forms, streams, formats and refusals."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import base64_of
from tests.model.pointcloth.conftest import FOCAL, PHOTO, person, write_weights
from tests.serve.test_invocations import assert_problem
from tests.server import Server, serving

__all__ = ["person"]

QUICK: dict[str, Any] = {"type": "outfit", "seed": 1, "size": 64, "focal": FOCAL, "formats": ["ply"]}


@pytest.fixture(scope="module")
def outfits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("outfits")
    weights = write_weights(folder / "weights")
    with serving(folder, 600, MODEL_DIR=weights, ENGINES="pointcloth", ALLOW_FILE_URIS=1) as server:
        yield server


def files_of(answer: dict[str, Any]) -> dict[str, bytes]:
    return {output["name"]: base64.b64decode(output["data"]) for output in answer["outputs"]}


def test_an_outfit_goes_from_job_to_job(outfits: Server, person: dict[str, Path]) -> None:
    fit = QUICK | {"task": "fit", "coarse_iterations": 1, "fine_iterations": 1, "id": "fitted"}
    form: dict[str, tuple[str | None, str | bytes]] = {
        "request": (None, json.dumps(fit)),
        "photos": ("photo.png", person["photo"].read_bytes()),
        "masks": ("mask.png", person["mask"].read_bytes()),
        "bodies": ("body.json", person["body"].read_bytes()),
    }
    taken = outfits.client.post("/api/jobs", files=form)
    assert taken.status_code == 202, taken.text
    with outfits.client.stream("GET", "/api/jobs/fitted/events") as response:
        events = [json.loads(line) for line in response.iter_lines()]
    assert events[-1]["event"] == "answer"
    answer = events[-1]
    assert answer["settings"]["task"] == "fit"
    assert 0 <= float(answer["settings"]["mask_iou"]) <= 1
    types = {output["name"]: output["content_type"] for output in answer["outputs"]}
    assert types == {
        "outfit.npz": "application/x-npz",
        "outfit.ply": "model/ply",
        "fit.png": "image/png",
        "body.json": "application/json",
    }

    wear = {**QUICK, "task": "wear", "body": person["other"].as_uri()}
    from_job = outfits.invoke(wear | {"outfit": "job:fitted"})
    assert from_job.status_code == 200, from_job.text
    uploaded = outfits.invoke(wear | {"outfit": base64_of(files_of(answer)["outfit.npz"])})
    assert files_of(from_job.json())["outfit.ply"] == files_of(uploaded.json())["outfit.ply"]
    with np.load(io.BytesIO(files_of(from_job.json())["outfit.npz"])) as arrays:
        assert arrays["points"].shape == (64, 3)
    of_body = outfits.invoke({**QUICK, "task": "wear", "outfit_name": "dress", "body": "job:fitted"})
    assert of_body.status_code == 200, of_body.text

    body = wear | {"outfit": "job:fitted", "person": base64_of(person["photo"].read_bytes())}
    picture = outfits.invoke(body, Accept="image/png")
    assert picture.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(picture.content)) as worn:
        assert worn.size == PHOTO


def test_refusals_name_field_and_reason(outfits: Server, person: dict[str, Path], picture: str) -> None:
    wear = {**QUICK, "task": "wear"}
    assert_problem(outfits.invoke(wear | {"outfit": "job:nobody"}), 424, "input_unavailable", "outfit")
    assert_problem(outfits.invoke(wear | {"outfit": "job:"}), 422, "invalid_field", "outfit")
    assert_problem(outfits.invoke(wear | {"outfit": base64_of(b"\x80\x04cos\nsystem\n.")}), 422, "bad_outfit", "outfit")
    assert_problem(outfits.invoke(wear | {"outfit": picture}), 422, "bad_outfit", "outfit")
    assert_problem(outfits.invoke(wear | {"outfit_name": "hat"}), 422, "no_such_outfit", "outfit_name")
    body = wear | {"outfit_name": "dress", "body": base64_of(b"{}"), "person": "job:fitted"}
    assert_problem(outfits.invoke(body), 422, "bad_url", "person")  # a picture is never an earlier job's
    fit = {**QUICK, "photos": [picture], "masks": [picture], "coarse_iterations": 1, "fine_iterations": 1}
    assert_problem(outfits.invoke(fit), 422, "no_mask", "photos.0")
    assert_problem(outfits.invoke({**QUICK, "task": "mix", "outfit_name": "dress"}), 422, "invalid_field")


def test_what_is_built_in_is_told(outfits: Server) -> None:
    offered = outfits.client.get("/api/models").json()["models"]["pointcloth"]
    assert offered["type"] == "outfit"
    assert offered["variants"] == ["t-shirt", "dress"]
    assert offered["choices"]["outfit_name"] == {"values": ["t-shirt", "dress"], "default": None}
    assert list(offered["tasks"]) == offered["choices"]["task"]["values"]
    assert {"outfit", "other", "share", "walk"} <= set(offered["tasks"]["mix"])
    assert offered["limits"]["share"] == {
        "minimum": 0,
        "exclusive_minimum": None,
        "maximum": 1,
        "multiple_of": None,
        "default": 0.5,
    }
    assert {name: one["many"] for name, one in offered["files"].items()} == {
        "outfit": False,
        "other": False,
        "body": False,
        "bodies": True,
    }
    assert set(offered["inputs"]) == {"photos", "masks", "person"}
    fields = set().union(*offered["tasks"].values())
    assert fields <= set(offered["descriptions"])
