"""How large a result is: as the photo, as asked for, or as fits into the answer; never a 413 after all the work."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from container.settings import Settings
from model.samples.samples import small_sample
from tests.conftest import base64_of, encode
from tests.odd_pictures import P3
from tests.serve.test_invocations import assert_problem
from tests.server import Server, serving
from tests.untrained import untrained_pack

LIMIT = 60_000
QUICK = {"type": "tryon", "width": 96, "height": 128, "steps": 1, "seed": 1}
MASK = Image.open(small_sample()["mask"]).convert("L")
GARMENT = base64_of(small_sample()["garment"].read_bytes())


def photo(width: int, height: int, roughness: int = 24) -> Image.Image:
    """Grain that PNG cannot compress and JPEG can."""
    smooth = Image.open(small_sample()["person"]).convert("RGB").resize((width, height))
    grain = np.random.default_rng(0).integers(-roughness, roughness + 1, (height, width, 1))
    return Image.fromarray((np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8))


LARGE = photo(240, 320)  # as PNG some 150 kB


def body(person: bytes, **fields: Any) -> dict[str, Any]:
    size = Image.open(io.BytesIO(person)).size
    mask = base64_of(encode(MASK.resize(size, Image.Resampling.NEAREST)))
    return QUICK | {"person": base64_of(person), "garment": GARMENT, "mask": mask} | fields


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("narrow")
    with serving(folder, MODEL_DIR=untrained_pack(), ENGINES="catvton", MAX_INLINE_BYTES=LIMIT) as server:
        yield server


def opened(said: dict[str, Any]) -> Image.Image:
    picture = Image.open(io.BytesIO(base64.b64decode(said["outputs"][0]["data"])))
    picture.load()
    return picture


def answered(server: Server, fields: dict[str, Any]) -> dict[str, Any]:
    response = server.invoke(fields)
    assert response.status_code == 200, response.text
    said: dict[str, Any] = response.json()
    return said


def computed(server: Server) -> float:
    """How many denoisings there have been."""
    lines = server.client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if "stage_seconds_count" in line and '"denoise"' in line)


def codes(said: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in said["warnings"]]


def test_without_a_named_format_a_result_that_does_not_fit_becomes_jpeg(narrow: Server) -> None:
    said = answered(narrow, body(encode(LARGE, icc_profile=P3)))
    picture = opened(said)
    assert codes(said) == ["resized"]
    assert "image/jpeg, 240 x 320" in said["warnings"][0]["message"]
    (output,) = said["outputs"]
    assert (output["name"], output["content_type"]) == ("result.jpg", "image/jpeg")
    assert (picture.format, picture.size, picture.info["icc_profile"]) == ("JPEG", (240, 320), P3)
    assert len(output["data"]) <= LIMIT
    assert output["bytes"] == len(base64.b64decode(output["data"]))


def test_what_fits_stays_as_it_is(narrow: Server) -> None:
    said = answered(narrow, body(encode(photo(60, 80))))
    assert codes(said) == []
    assert (opened(said).format, opened(said).size) == ("PNG", (60, 80))


def test_a_photo_too_large_even_as_jpeg_is_scaled(narrow: Server) -> None:
    person = encode(photo(1200, 1600), "JPEG", quality=40)
    said = answered(narrow, body(person))
    assert codes(said) == ["resized"]
    width, height = opened(said).size
    assert 200 < height < 1600
    assert width / height == pytest.approx(0.75, abs=0.02)
    assert len(said["outputs"][0]["data"]) <= LIMIT


def test_a_named_format_is_kept_and_the_picture_scaled(narrow: Server) -> None:
    said = answered(narrow, body(encode(LARGE), output={"format": "png"}))
    assert codes(said) == ["resized"]
    assert opened(said).format == "PNG"
    assert opened(said).size[1] < 320


def test_a_named_png_of_a_photo_that_is_larger_as_jpeg_is_refused_before_computing(narrow: Server) -> None:
    person = encode(photo(640, 480), "JPEG", quality=90)
    assert len(person) * 4 / 3 > LIMIT
    answered(narrow, body(encode(photo(60, 80))))
    before = computed(narrow)
    assert before > 0
    problem = assert_problem(
        narrow.invoke(body(person, output={"format": "png"})), 413, "inline_too_large", "output.format"
    )
    assert "max_side" in problem["detail"]
    assert computed(narrow) == before
    smaller = answered(narrow, body(person, output={"format": "png", "max_side": 64}))
    assert opened(smaller).size == (64, 48)


@pytest.mark.parametrize("samples", [1, 2])
def test_raw_pictures_count_their_own_bytes(samples: int, narrow: Server) -> None:
    """Three quarters of the limit as base64 are all of it as bytes; of several samples only the one that is sent."""
    person = photo(126, 168)
    assert LIMIT * 3 / 4 < len(encode(person)) < LIMIT
    response = narrow.invoke(body(encode(person), samples=samples), Accept="image/png")
    assert response.headers["content-type"] == "image/png"
    assert len(response.content) <= LIMIT
    assert Image.open(io.BytesIO(response.content)).size == (126, 168)


def test_any_picture_may_be_jpeg_where_no_other_fits(narrow: Server) -> None:
    response = narrow.invoke(body(encode(LARGE)), Accept="image/*")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(response.content)).size == (240, 320)


def test_jobs_never_fail_for_the_size_of_their_answer(narrow: Server) -> None:
    accepted = narrow.client.post("/api/jobs", json=body(encode(LARGE), id="large"))
    assert accepted.status_code == 202, accepted.text
    events = narrow.client.get("/api/jobs/large/events", headers={"Accept": "application/x-ndjson"})
    assert events.status_code == 200
    said = narrow.client.get("/api/jobs/large").json()["answer"]
    assert said["warnings"] == []
    assert opened(said).format == "PNG"


@pytest.mark.parametrize(("side", "size"), [(160, (120, 160)), (64, (48, 64)), (1000, (240, 320))])
def test_results_have_the_side_asked_for(side: int, size: tuple[int, int], server: Server) -> None:
    fields = body(encode(LARGE), output={"max_side": side}, return_mask=True)
    said = answered(server, fields)
    assert codes(said) == []
    for output in said["outputs"]:
        assert Image.open(io.BytesIO(base64.b64decode(output["data"]))).size == size


@pytest.mark.parametrize(("side", "status"), [(63, 422), (64, 200), (16_384, 200), (16_385, 422)])
def test_the_side_has_limits(side: int, status: int, server: Server) -> None:
    assert server.invoke(body(encode(photo(60, 80)), output={"max_side": side})).status_code == status


def test_a_photo_beyond_the_pixels_of_results_says_so(tmp_path: Path) -> None:
    settings = {"MODEL_DIR": untrained_pack(), "ENGINES": "catvton", "MAX_OUTPUT_PIXELS": 20_000}
    with serving(tmp_path, **settings) as small:
        said = answered(small, body(encode(LARGE)))
        assert codes(said) == ["resized"]
        assert opened(said).width * opened(said).height <= 20_000
        assert codes(answered(small, body(encode(photo(96, 128))))) == []


def test_the_platforms_limit_holds_on_the_platform_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGEMAKER_BIND_TO_PORT", raising=False)
    monkeypatch.delenv("MAX_INLINE_BYTES", raising=False)
    assert Settings().inline_limit() == 0
    monkeypatch.setenv("SAGEMAKER_SAFE_PORT_RANGE", "21000-22000")
    assert Settings().inline_limit() == 5_500_000
    monkeypatch.setenv("MAX_INLINE_BYTES", "0")
    assert Settings().inline_limit() == 0
    monkeypatch.setenv("MAX_INLINE_BYTES", "7")
    assert Settings().inline_limit() == 7
