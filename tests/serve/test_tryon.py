"""Try-on through the whole service: exact, alone and in company, and everybody gets his own."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageChops

from model.samples.samples import small_sample
from tests.conftest import base64_of, encode
from tests.serve.test_invocations import assert_problem
from tests.serve.test_jobs import leave_after, rows_computed
from tests.server import GOLDEN, Server, eventually, serving

LEVELS = 2  # grey levels, between kernels that add in another order


def shown(response: httpx.Response) -> Image.Image:
    assert response.status_code == 200, response.text
    return Image.open(io.BytesIO(response.content)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> int:
    assert one.size == other.size
    return int(np.asarray(ImageChops.difference(one, other)).max())


def post(server: Server, body: dict[str, Any], accept: str = "image/png") -> httpx.Response:
    return httpx.post(f"{server.url}/invocations", json=body, headers={"Accept": accept}, timeout=600)


def golden_cases() -> list[dict[str, Any]]:
    """The reference's runs that a request can ask for: pictures in, one seed for all randomness."""
    cases = []
    for path in sorted((GOLDEN / "catvton" / "cases").glob("*/case.json")):
        case = json.loads(path.read_text()) | {"folder": path.parent}
        if not case.get("tensor_batch") and case["global_seed"] == case["generator_seed"]:
            cases.append(case)
    return cases


def golden_request(case: dict[str, Any]) -> dict[str, Any]:
    inputs = GOLDEN / "catvton" / "inputs"
    pictures = {name: base64_of((inputs / f"{case[name]}.png").read_bytes()) for name in ("person", "garment", "mask")}
    fields = {name: case[name] for name in ("width", "height", "steps", "guidance", "eta")}
    return {"engine": "catvton", **pictures, **fields, "seed": case["global_seed"], "repaint": False, "crop": "centre"}


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not GOLDEN.is_dir():
        pytest.skip("the golden data is not there")
    with serving(tmp_path_factory.mktemp("golden"), MODEL_DIR=GOLDEN, ENGINES="catvton") as server:
        yield server


def test_pictures_equal_the_references_alone(golden: Server) -> None:
    for case in golden_cases()[:6]:
        picture = shown(post(golden, golden_request(case)))
        assert difference(picture, Image.open(case["folder"] / "result_0.png")) <= LEVELS, case["folder"].name


def test_pictures_equal_the_references_in_mixed_company_with_one_cancelled_midway(golden: Server) -> None:
    """Jobs at other steps, guidance, noise and sizes share the device, and one of them leaves."""
    cases = golden_cases()
    assert len({(case["width"], case["steps"], case["guidance"], case["eta"]) for case in cases}) > 10
    leaver = golden_request(cases[0]) | {"steps": 100, "deadline_s": 1.0}
    with ThreadPoolExecutor(len(cases) + 1) as pool:
        left = pool.submit(post, golden, leaver)
        pictures = list(pool.map(lambda case: shown(post(golden, golden_request(case))), cases))
    assert left.result().status_code in (422, 429, 504)  # refused or given up: as fast as the device is found to be
    for case, picture in zip(cases, pictures, strict=True):
        assert difference(picture, Image.open(case["folder"] / "result_0.png")) <= LEVELS, case["folder"].name
    assert shared_forwards(golden) > 0


def shared_forwards(server: Server) -> float:
    """Forwards of more rows than any one request here has."""
    rows = [
        line for line in server.client.get("/metrics").text.splitlines() if line.startswith("atelier_forwards_total")
    ]
    return sum(float(line.split()[-1]) for line in rows if int(line.split('"')[1]) > 2)


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    """The photo and its mask are larger than what is computed."""
    files = small_sample()
    person, mask = (
        Image.open(files[field]).resize((120, 160), Image.Resampling.NEAREST) for field in ("person", "mask")
    )
    return {
        "type": "tryon",
        "person": base64_of(encode(person)),
        "garment": base64_of(files["garment"].read_bytes()),
        "mask": base64_of(encode(mask)),
        "width": 96,
        "height": 128,
        "steps": 3,
    }


def test_the_default_size_and_steps_are_the_packs(server: Server, sample: dict[str, Any]) -> None:
    body = {name: value for name, value in sample.items() if name not in ("width", "height", "steps")}
    picture = shown(post(server, body | {"repaint": False}))
    assert picture.size == (192, 256)


def test_repaint_gives_the_photos_size_and_touches_nothing_outside_the_blurred_mask(
    server: Server, sample: dict[str, Any]
) -> None:
    photo = Image.open(io.BytesIO(base64.b64decode(sample["person"])))
    picture = shown(post(server, sample))
    assert picture.size == photo.size
    mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(sample["mask"]))))
    changed = np.asarray(ImageChops.difference(picture, photo)).max(axis=-1) > 0
    assert changed[mask > 0].mean() > 0.9
    assert not changed[:8].any()


@pytest.mark.parametrize(("accept", "kind"), [("image/jpeg", "JPEG"), ("image/webp", "WEBP"), ("image/*", "PNG")])
def test_the_answer_may_be_the_picture_in_the_wanted_format(
    server: Server, sample: dict[str, Any], accept: str, kind: str
) -> None:
    response = post(server, sample | {"seed": 5}, accept)
    opened = Image.open(io.BytesIO(response.content))
    assert opened.format == kind
    assert opened.getexif() == {}
    assert response.headers["x-atelier-seed"] == "5"


def test_a_picture_of_another_format_than_asked_for_is_refused(server: Server, sample: dict[str, Any]) -> None:
    response = post(server, sample | {"output": {"format": "png"}}, "image/jpeg")
    assert_problem(response, 422, "invalid_field", "output.format")


def test_sample_i_equals_a_request_with_seed_plus_i(server: Server, sample: dict[str, Any]) -> None:
    answer = post(server, sample | {"samples": 3, "seed": 10}, "application/json").json()
    assert [output["name"] for output in answer["outputs"]] == ["result.png", "result_1.png", "result_2.png"]
    for i, output in enumerate(answer["outputs"]):
        together = Image.open(io.BytesIO(base64.b64decode(output["data"])))
        assert difference(together, shown(post(server, sample | {"seed": 10 + i}))) <= LEVELS


def test_a_tryon_whose_client_hangs_up_has_no_more_than_the_forward_in_flight(
    server: Server, sample: dict[str, Any]
) -> None:
    """Without guidance it has one row: person and garment in the encoder, then one a step.

    While the client is missed some more steps may pass, see `tests/serve/test_jobs.py` for what is exact; not all.
    """
    before = rows_computed(server)
    body = sample | {"width": 384, "height": 512, "steps": 100, "guidance": 1, "deadline_s": 600}
    done = leave_after(server, 2, body)
    assert done <= rows_computed(server) - before - 2 <= done + 40


def test_the_names_of_the_earlier_container_work(server: Server, sample: dict[str, Any]) -> None:
    """Both garments, stacked on black; the same as our names for it."""
    ours = {
        "type": "tryon",
        "person": sample["person"],
        "mask": sample["mask"],
        "garments": {"upper": sample["garment"], "lower": sample["person"]},
        "garments_canvas": "black",
    }
    theirs = {
        "person_image_url": sample["person"],
        "mask_image_url": sample["mask"],
        "upper_cloth_url": sample["garment"],
        "lower_cloth_url": sample["person"],
        "cloth_type": "overall",
    }
    rest = {"width": 96, "height": 128, "steps": 2, "seed": 3}
    assert difference(shown(post(server, theirs | rest)), shown(post(server, ours | rest))) == 0
    on_white = shown(post(server, ours | rest | {"garments_canvas": "white"}))
    assert difference(on_white, shown(post(server, ours | rest))) > 0


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"width": 60}, 422, "invalid_field", "width"),
        ({"width": 100}, 422, "invalid_field", "width"),
        ({"height": 2056}, 422, "invalid_field", "height"),
        ({"steps": 0}, 422, "invalid_field", "steps"),
        ({"steps": 201}, 422, "invalid_field", "steps"),
        ({"samples": 5}, 422, "invalid_field", "samples"),
        ({"garments": {"upper": "x"}}, 422, "invalid_field", "garments.lower"),
        ({"garment": None}, 422, "invalid_field", None),
    ],
)
def test_a_request_that_asks_too_much_or_too_little_is_refused(
    server: Server, sample: dict[str, Any], changes: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    assert_problem(post(server, sample | changes), status, code, field)


@pytest.mark.parametrize("size", [64, 2048])
def test_the_smallest_and_the_largest_size_are_accepted(size: int, sample: dict[str, Any]) -> None:
    from model.engines.catvton.request import Request

    assert Request.model_validate(sample | {"width": size, "height": size}).width == size


def flat(colour: int, size: tuple[int, int] = (120, 160)) -> str:
    return base64_of(encode(Image.new("L", size, colour)))


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"mask": flat(0)}, "mask_empty", "mask"),
        ({"mask": flat(255)}, "mask_covers_all", "mask"),
        ({"mask": flat(255), "mask_polarity": "black_repaints"}, "mask_empty", "mask"),
        ({"mask": flat(255, (160, 120))}, "bad_mask", "mask"),
    ],
)
def test_a_mask_that_cannot_work_is_refused_by_name(
    server: Server, sample: dict[str, Any], changes: dict[str, Any], code: str, field: str
) -> None:
    assert_problem(post(server, sample | changes), 422, code, field)


def test_a_truncated_photo_is_refused_by_name(server: Server, sample: dict[str, Any]) -> None:
    cut = base64_of(base64.b64decode(sample["person"])[:2000])
    assert_problem(post(server, sample | {"person": cut}), 422, "image_unreadable", "person")


def test_fifty_clients_each_get_their_own_answer_or_are_told_when_to_come_back(
    server: Server, sample: dict[str, Any]
) -> None:
    """Each answer is checked by its content: the picture that its seed gives when nobody else is there."""
    seeds = [index % 5 for index in range(50)]
    alone = {seed: shown(post(server, sample | {"seed": seed})) for seed in range(5)}
    assert all(difference(alone[0], alone[seed]) > LEVELS for seed in range(1, 5))
    with ThreadPoolExecutor(50) as pool:
        responses = list(pool.map(lambda seed: post(server, sample | {"seed": seed}), seeds))
    for seed, response in zip(seeds, responses, strict=True):
        if response.status_code == 200:
            assert difference(shown(response), alone[seed]) <= LEVELS
        else:
            assert assert_problem(response, 429, "overloaded")["retry_after_s"] > 0
    assert sum(response.status_code == 200 for response in responses) > 0
    eventually(lambda: all((path / "answer.json").exists() for path in server.jobs()))


def test_tryons_survive_the_death_of_their_worker(server: Server, sample: dict[str, Any]) -> None:
    alone = shown(post(server, sample | {"seed": 1, "steps": 60}))
    [worker] = server.workers()
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(post, server, sample | {"seed": 1, "steps": 60}) for _ in range(3)]
        time.sleep(0.5)
        worker.kill()
        for response in running:
            assert difference(shown(response.result()), alone) <= LEVELS


def test_pings_are_answered_while_clients_saturate_the_device(server: Server, sample: dict[str, Any]) -> None:
    """Not a measurement (that is the benchmark's): no ping is lost."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            post(server, sample | {"steps": 10})

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(work)
        try:
            for _ in range(40):
                assert httpx.get(f"{server.url}/ping", timeout=600).status_code == 200
                time.sleep(0.02)
        finally:
            stop.set()
