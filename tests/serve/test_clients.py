"""Clients of a server around OOTDiffusion, unchanged: its example calls against ours, answers field by field.

On the way: the catalogue as pages see it, and garments of it in our own requests.
"""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from model.samples.samples import GARMENTS, small_sample
from tests.conftest import base64_of
from tests.serve.test_invocations import assert_problem
from tests.serve.test_lifecycle import ends
from tests.serve.test_vesaki import dress as dress_as_vesaki
from tests.serve.test_vesaki import enlarged
from tests.server import Server, serving

PERSON = small_sample()["person"]
NUMBER, TEXT = (int, float), str

# As that server's pages have them.
VTO = {
    "success": bool,
    "image_url": TEXT,
    "processing_time": NUMBER,
    "clothe_id": int,
    "clothe_name": TEXT,
    "category": TEXT,
    "model_type": TEXT,
    "metrics": {
        "average_time": NUMBER,
        "category_average": NUMBER,
        "recent_performance": {"count": int, "average": NUMBER, "min": NUMBER, "max": NUMBER},
    },
}
CLOTHE = {"id": int, "name": TEXT, "path": TEXT, "category": int, "category_name": TEXT, "model_type": TEXT}
ROOT = {
    "message": TEXT,
    "status": TEXT,
    "timestamp": NUMBER,
    "uptime_hours": NUMBER,
    "total_requests": int,
    "average_processing_time": NUMBER,
}
OF_CATEGORY = {"samples": int, "average_seconds": NUMBER}
METRICS = {
    "uptime_seconds": NUMBER,
    "uptime_hours": NUMBER,
    "total_requests": int,
    "success_count": int,
    "error_count": int,
    "success_rate_percent": NUMBER,
    "processing_times": {
        "total_samples": int,
        "average_seconds": NUMBER,
        "median_seconds": NUMBER,
        "recent_10": list,
        "recent_5": list,
    },
    "category_performance": {"upperbody": OF_CATEGORY, "lowerbody": OF_CATEGORY, "dress": OF_CATEGORY},
}
HEALTH = {
    "status": TEXT,
    "detector_ready": bool,
    "clothe_count": int,
    "temp_dir": TEXT,
    "clothe_dir": TEXT,
    "timestamp": NUMBER,
    "performance": {
        "uptime_hours": NUMBER,
        "total_requests": int,
        "success_rate": NUMBER,
        "average_time": NUMBER,
        "recent_average": NUMBER,
    },
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "ENGINES": "ootdiffusion,warp,probe",
        "DEFAULT_ENGINES": "tryon=ootdiffusion",
        "CLIENTS": "ootdiffusion,omoib,vesaki",
    }
    with serving(tmp_path_factory.mktemp("shop"), **settings) as server:
        yield server


def assert_shaped(told: dict[str, Any], shape: dict[str, Any]) -> None:
    assert shape.keys() <= told.keys()
    for name, kind in shape.items():
        if isinstance(kind, dict):
            assert_shaped(told[name], kind)
        else:
            assert isinstance(told[name], kind), name


def dress(server: Server, clothe_id: object, kind: str = "image/png", content: bytes | None = None) -> httpx.Response:
    photo = ("person.png", content or PERSON.read_bytes(), kind)
    return server.client.post("/vto", files={"person_image": photo}, data={"clothe_id": str(clothe_id)})


def number_of(server: Server, slug: str) -> int:
    clothes = server.client.get("/clothes").json()["clothes"]
    return next(int(one["id"]) for one in clothes if one["slug"] == slug)


def test_curl_dresses_a_photo_and_fetches_the_picture(shop: Server, tmp_path: Path) -> None:
    form = ["-F", f"person_image=@{PERSON};type=image/png", "-F", f"clothe_id={number_of(shop, 'stripes')}"]
    said = subprocess.run(["curl", "-fsS", *form, f"{shop.url}/vto"], capture_output=True, check=True, timeout=600)
    told = httpx.Response(200, content=said.stdout).json()
    assert_shaped(told, VTO)
    assert told["success"] is True
    assert (told["clothe_name"], told["category"], told["model_type"]) == ("stripes", "upperbody", "hd")
    assert re.fullmatch(r"/result/out_hd_\w+\.png", told["image_url"])
    picture = shop.client.get(told["image_url"])
    assert picture.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(picture.content)) as dressed, Image.open(PERSON) as photo:
        assert dressed.size == photo.size
        assert dressed.convert("RGB").tobytes() != photo.convert("RGB").tobytes()


def test_clients_get_the_engine_that_theirs_was_whoever_else_answers_try_ons(shop: Server) -> None:
    models = shop.client.get("/api/models").json()["models"]
    assert (models["ootdiffusion"]["default"], models["warp"]["default"]) == (True, False)
    told = dress_as_vesaki(shop, enlarged("person"), enlarged("garment")).json()
    assert told["metadata"]["model_version"].startswith("warp-")


def test_two_who_ask_at_once_get_each_their_own_picture(shop: Server) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda slug: dress(shop, slug), ("pinstripes", "heart-dress"))
    assert [one.json()["category"], other.json()["category"]] == ["lowerbody", "dress"]
    assert [one.json()["model_type"], other.json()["model_type"]] == ["dc", "dc"]
    first, second = (shop.client.get(answer.json()["image_url"]) for answer in (one, other))
    assert first.status_code == second.status_code == 200
    assert first.content != second.content


def test_clothes_are_the_catalogue_by_position_and_slug(shop: Server) -> None:
    told = shop.client.get("/clothes").json()
    assert (told["success"], told["total"]) == (True, 12)
    assert [one["id"] for one in told["clothes"]] == list(range(1, 13))
    for one in told["clothes"]:
        assert_shaped(one, CLOTHE)
        assert shop.client.head(one["path"]).status_code == 200
    kinds = {one["slug"]: (one["category"], one["category_name"], one["model_type"]) for one in told["clothes"]}
    assert kinds["sun"] == (0, "upperbody", "hd")
    assert kinds["dotted-skirt"] == (1, "lowerbody", "dc")
    assert kinds["sailor-dress"] == (2, "dress", "dc")


def test_metrics_are_averages_unless_prometheus_asks(shop: Server) -> None:
    before = shop.client.get("/metrics").json()
    assert_shaped(before["metrics"], METRICS)
    assert before["success"] is True
    datetime.fromisoformat(before["timestamp"])
    assert dress(shop, 99).status_code == 404
    after = shop.client.get("/metrics").json()["metrics"]
    assert after["total_requests"] == before["metrics"]["total_requests"] + 1
    assert after["error_count"] == before["metrics"]["error_count"] + 1
    assert after["processing_times"]["total_samples"] == after["total_requests"] < 100
    for kind in ("text/plain; version=0.0.4", "application/openmetrics-text;q=0.9, */*;q=0.1"):
        assert "atelier_jobs" in shop.client.get("/metrics", headers={"Accept": kind}).text


def test_root_and_health_have_its_fields_beside_ours(shop: Server) -> None:
    root, health = shop.client.get("/").json(), shop.client.get("/health").json()
    assert_shaped(root, ROOT)
    assert_shaped(health, HEALTH)
    assert (root["status"], health["status"], health["state"]) == ("healthy", "healthy", "ready")
    assert health["clothe_count"] == 12
    assert health["detector_ready"] is False  # the built-in weights have none
    assert str(shop.folder) not in str(health)


def test_what_is_wrong_with_a_request_has_its_status_and_a_detail(shop: Server) -> None:
    assert_problem(dress(shop, 1, kind="image/gif"), 400, "bad_form", "person_image")
    unknown = dress(shop, 13)
    assert_problem(unknown, 404, "no_such_garment", "clothe_id")
    assert "1, 2, 3" in unknown.json()["detail"]
    assert_problem(dress(shop, 1, content=b"no picture"), 415, "unsupported_picture", "person")
    without = shop.client.post("/vto", files={"person_image": ("p.png", PERSON.read_bytes(), "image/png")})
    assert_problem(without, 422, "invalid_field", "clothe_id")
    assert_problem(shop.client.post("/vto", data={"clothe_id": "1"}), 400, "bad_form", None)
    only = {"clothe_id": (None, "1")}
    assert_problem(shop.client.post("/vto", files=only), 422, "invalid_field", "person_image")


@pytest.mark.parametrize("name", ["out_hd_0.png", "..%2F..%2Fetc%2Fpasswd", "out_dc_" + 32 * "0" + ".png", "x"])
def test_a_result_that_nobody_made_is_not_there(shop: Server, name: str) -> None:
    assert shop.client.get(f"/result/{name}").status_code == 404


def test_the_catalogue_is_listed_and_shown_and_kept_by_browsers(shop: Server) -> None:
    told = shop.client.get("/api/catalogue").json()
    assert told["total"] == len(told["garments"]) == 12
    garment = next(one for one in told["garments"] if one["slug"] == "pinstripes")
    assert (garment["name"], garment["category"]) == ("Pinstripe trousers", "lower")
    whole, small = (shop.client.get(garment[kind]) for kind in ("picture", "thumbnail"))
    assert whole.content == (GARMENTS / "pinstripes.webp").read_bytes()
    assert (whole.headers["content-type"], small.headers["content-type"]) == ("image/webp", "image/jpeg")
    with Image.open(io.BytesIO(small.content)) as picture:
        assert max(picture.size) == 320
    for url, answer in ((garment["picture"], whole), (garment["thumbnail"], small)):
        assert "max-age" in answer.headers["cache-control"]
        known = {"If-None-Match": answer.headers["etag"]}
        assert shop.client.get(url, headers=known).status_code == 304
    assert_problem(shop.client.get("/api/catalogue/nothing/thumbnail"), 404, "no_such_garment", None)


def test_a_request_names_a_garment_of_the_catalogue(shop: Server) -> None:
    body = {"type": "tryon", "person": base64_of(PERSON.read_bytes()), "seed": 3, "return_mask": True, "steps": 2}
    named = shop.invoke(body | {"garment": "catalogue:heart-dress"}).json()
    sent = shop.invoke(
        body | {"garment": base64_of((GARMENTS / "heart_dress.webp").read_bytes()), "category": "overall"}
    ).json()
    assert [one["sha256"] for one in named["outputs"]] == [one["sha256"] for one in sent["outputs"]]
    assert_problem(shop.invoke(body | {"garment": "catalogue:gone"}), 404, "no_such_garment", "garment")


def test_who_is_listed_first_answers_for_all(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.client.get("/").json() == "Virtual Try On"
        assert server.client.get("/health").json() == {"state": "ready"}
        assert "atelier_jobs" in server.client.get("/metrics").text
        assert dress(server, 1).status_code == 404


def test_clients_that_nobody_knows_stop_the_start(tmp_path: Path) -> None:
    status, log = ends(tmp_path, CLIENTS="omoib,nobody")
    assert status == 3
    assert "CLIENTS" in log.splitlines()[-1]
    assert "nobody" in log.splitlines()[-1]
