"""Avatars through the whole service, on the built-in tiny networks."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pygltflib
import pytest
from PIL import Image

from model.avatar.request import STAGES
from model.samples.samples import small_sample
from tests.conftest import Bucket, base64_of, encode
from tests.serve.test_invocations import assert_problem
from tests.serve.test_jobs import metric
from tests.server import Server, eventually, serving

TINY = {"size": 64, "steps": 2, "mesh_size": 64, "iterations": 3, "faces": 2000, "seed": 7}
GLB = "model/gltf-binary"


def data_uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64_of(content)}"


@pytest.fixture(scope="module")
def pictures(photos: dict[str, Path]) -> list[bytes]:
    return [file.read_bytes() for file in photos.values()]


@pytest.fixture(scope="module")
def body(pictures: list[bytes]) -> dict[str, Any]:
    """A request without a type."""
    return {"photos": [data_uri(picture) for picture in pictures], **TINY}


def opened(content: bytes) -> pygltflib.GLTF2:
    assert content[:4] == b"glTF"
    return pygltflib.GLTF2().load_from_bytes(content)


@pytest.fixture(scope="module")
def events(server: Server, body: dict[str, Any]) -> list[dict[str, Any]]:
    """A whole avatar, as a stream."""
    asked = body | {"formats": ["obj", "ply"], "stages": ["rgb"], "output": {"inline": True}}
    response = server.invoke(asked, accept="application/x-ndjson")
    return [json.loads(line) for line in response.text.splitlines()]


def test_progress_is_streamed_stage_by_stage(events: list[dict[str, Any]]) -> None:
    assert {event["event"] for event in events[:-1]} == {"progress"}
    stages = [event["stage"] for event in events[:-1]]
    assert [stage for stage in dict.fromkeys(stages) if stage in STAGES] == list(STAGES)
    denoised = [(event["done"], event["total"]) for event in events[:-1] if event["stage"] == "rgb"]
    assert denoised[-1] == (2, 2)


def test_the_answer_has_the_avatar_first_and_all_files_with_their_kinds(events: list[dict[str, Any]]) -> None:
    answer = events[-1]
    assert (answer["event"], answer["type"], answer["seed"], answer["warnings"]) == ("answer", "avatar", 7, [])
    kinds = {output["name"]: output["content_type"] for output in answer["outputs"]}
    assert answer["outputs"][0]["name"] == "avatar.glb"
    assert kinds == {
        "avatar.glb": GLB,
        "avatar.mtl": "model/mtl",
        "avatar.obj": "model/obj",
        "avatar.ply": "model/ply",
        "avatar.png": "image/png",
        "body.json": "application/json",
        **{f"rgb_{i}.png": "image/png" for i in range(6)},
    }
    content = base64.b64decode(answer["outputs"][0]["data"])
    assert len(opened(content).skins[0].joints) == 55
    assert answer["outputs"][0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert {f"{stage}_s" for stage in STAGES} <= answer["timings"].keys()


def test_a_form_of_photos_is_answered_with_a_glb(server: Server, pictures: list[bytes]) -> None:
    fields = {"type": "avatar", "body_only": "true", "seed": "3"}
    parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in fields.items()]
    parts += [("photos", (f"{i}.png", picture)) for i, picture in enumerate(pictures)]
    response = server.client.post("/invocations", files=parts, headers={"Accept": GLB})
    assert response.status_code == 200, response.text
    assert (response.headers["content-type"], response.headers["x-atelier-seed"]) == (GLB, "3")
    assert opened(response.content).meshes


def test_a_form_may_have_one_photo(server: Server, pictures: list[bytes]) -> None:
    parts = [("body_only", (None, b"true")), ("photos", ("a.png", pictures[0]))]
    answer = server.client.post("/invocations", files=parts).json()
    assert (answer["type"], [warning["code"] for warning in answer["warnings"]]) == ("avatar", ["one_photo"])


# -- what is refused -----------------------------------------------------------------------------------------------


def test_more_photos_than_the_limit_are_refused(server: Server, body: dict[str, Any], picture: str) -> None:
    assert_problem(server.invoke(body | {"photos": [picture] * 65}), 422, "invalid_field", "photos")


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"size": 100}, "size"), ({"faces": 10}, "faces"), ({"stages": ["hair"]}, "stages.0"), ({"photos": []}, "photos")],
)
def test_what_cannot_be_asked_for_is_named(
    server: Server, body: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    assert_problem(server.invoke(body | changes), 422, "invalid_field", field)


def test_photos_come_one_way_or_the_other(server: Server, body: dict[str, Any]) -> None:
    both = assert_problem(server.invoke(body | {"photos_prefix": "s3://bucket/key/"}), 422, "invalid_field")
    neither = assert_problem(server.invoke({"type": "avatar"}), 422, "invalid_field")
    assert "'photos' or 'photos_prefix'" in both["detail"]
    assert both["detail"] == neither["detail"]


def test_an_avatar_is_no_picture(server: Server, body: dict[str, Any]) -> None:
    assert GLB in assert_problem(server.invoke(body, accept="image/png"), 422, "bad_accept")["detail"]


def test_a_photo_that_is_no_picture_is_named(server: Server, body: dict[str, Any]) -> None:
    photos = [body["photos"][0], data_uri(b"not a picture")]
    assert_problem(server.invoke(body | {"photos": photos}), 415, "unsupported_picture", "photos.1")


def test_one_transparent_pixel_is_no_cut_out(server: Server, photos: dict[str, Path]) -> None:
    plain = Image.open(photos["photos.0"]).convert("RGB")
    holed = plain.convert("RGBA")
    holed.putpixel((0, 0), (0, 0, 0, 0))
    said = [server.invoke({"photos": [data_uri(encode(photo))], **TINY, "body_only": True}) for photo in (plain, holed)]
    assert [[warning["code"] for warning in one.json()["warnings"]] for one in said] == [["one_photo"]] * 2
    assert said[0].json()["outputs"][0]["sha256"] == said[1].json()["outputs"][0]["sha256"]


def test_a_photo_of_a_wall_shows_nobody(server: Server) -> None:
    bricks = np.full((96, 72, 3), (170, 80, 60), np.uint8)
    bricks[::8] = bricks[:, ::18] = 220
    response = server.invoke({"photos": [data_uri(encode(Image.fromarray(bricks)))], **TINY})
    assert_problem(response, 422, "no_person", "photos.0")


def test_a_photo_of_nobody_is_named(server: Server, body: dict[str, Any]) -> None:
    photos = [data_uri(encode(Image.new("RGBA", (60, 80)))), body["photos"][1]]
    assert_problem(server.invoke(body | {"photos": photos}), 422, "no_person", "photos.0")


# -- sharing the device --------------------------------------------------------------------------------------------


def test_a_tryon_is_answered_while_an_avatar_runs_and_hanging_up_ends_the_avatar(
    server: Server, body: dict[str, Any]
) -> None:
    """An avatar that would take minutes: only its stream's end frees the device."""
    cancelled = 'atelier_jobs_total{code="cancelled",engine="up2you"}'
    before = metric(server, cancelled)
    tryon: dict[str, Any] = {name: base64_of(file.read_bytes()) for name, file in small_sample().items()}
    tryon |= {"type": "tryon", "width": 96, "height": 128, "steps": 4, "deadline_s": 600}
    long = body | {"steps": 200, "iterations": 2000, "deadline_s": 3000}
    with server.client.stream("POST", "/invocations", json=long, headers={"Accept": "application/x-ndjson"}) as running:
        lines = running.iter_lines()
        while json.loads(next(lines))["stage"] != "rgb":
            pass
        with httpx.Client(base_url=server.url, timeout=600) as other:
            response = other.post("/invocations", json=tryon)
        assert response.status_code == 200, response.text
        assert metric(server, "atelier_jobs_live") == 1
        assert json.loads(next(lines))["event"] == "progress"
    eventually(lambda: metric(server, cancelled) == before + 1)
    assert metric(server, "atelier_jobs_live") == 0


# -- storing, and what is said about it ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def storing(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket) -> Iterator[Server]:
    """With an S3, and without leave to hand out what derives from the body model."""
    folder = tmp_path_factory.mktemp("storing")
    with serving(folder, **bucket.settings, ENGINES="avatar", EXPORT_RIG=0) as running:
        yield running


def test_photos_under_a_prefix_become_an_avatar_under_another_without_a_rig_where_that_is_off(
    storing: Server, bucket: Bucket, pictures: list[bytes]
) -> None:
    for i, picture in enumerate(pictures):
        bucket.put(f"loose/{i}.png", picture)
    prefix = f"s3://{bucket.name}/out/people/"
    asked = {
        "photos_prefix": f"s3://{bucket.name}/loose/",
        "body_only": True,
        "id": "mira",
        "output": {"prefix": prefix},
    }
    response = storing.invoke(asked)
    assert response.status_code == 200, response.text
    answer = response.json()
    stored = [f"{prefix}mira/avatar.glb", f"{prefix}mira/body.json"]
    assert (answer["type"], [output["uri"] for output in answer["outputs"]]) == ("avatar", stored)
    assert set(bucket.keys("out/people/")) == {
        f"out/people/mira/{n}" for n in ("avatar.glb", "body.json", "manifest.json")
    }
    document = opened(bucket.read(stored[0]))
    attributes = document.meshes[0].primitives[0].attributes
    assert (document.skins, attributes.JOINTS_0, document.asset.copyright) == ([], None, None)
    assert "joints" not in json.loads(bucket.read(stored[1]))
    assert json.loads(bucket.read(f"{prefix}mira/manifest.json"))["answer"]["id"] == "mira"


def test_the_documentation_describes_the_request(server: Server) -> None:
    document = server.client.get("/openapi.json").json()
    schema = document["components"]["schemas"]["Up2youRequest"]
    assert {"photos", "photos_prefix", "body_only", "texture", "stages"} <= schema["properties"].keys()
    requests = document["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"$ref": "#/components/schemas/Up2youRequest"} in requests["anyOf"]
    models = server.client.get("/api/models").json()
    assert "avatar" in json.dumps(models)


def test_a_kept_avatar_is_what_a_later_request_starts_from(server: Server, body: dict[str, Any]) -> None:
    first = server.invoke(body | {"id": "kept-avatar", "body_only": True, "keep": True, "output": {"inline": True}})
    assert first.status_code == 200, first.text
    outputs = {output["name"]: output for output in first.json()["outputs"]}
    again = {"body_only": True, "output": {"inline": True}, **TINY}
    uploaded = base64_of(base64.b64decode(outputs["avatar.npz"]["data"]))
    for reference in ("job:kept-avatar", uploaded):
        answer = server.invoke(again | {"avatar": reference, "pose": "t"})
        assert answer.status_code == 200, answer.text
        made = {output["name"]: output for output in answer.json()["outputs"]}
        shapes = [json.loads(base64.b64decode(found["body.json"]["data"]))["betas"] for found in (outputs, made)]
        assert shapes[0] == shapes[1]
    assert_problem(server.invoke(again | {"avatar": "job:nobody"}), 424, "input_unavailable", "avatar")
    assert_problem(server.invoke(again | {"avatar": base64_of(b"nonsense")}), 422, "bad_avatar", "avatar")
    assert_problem(server.invoke(again | {"avatar": "job:kept-avatar", "photos": body["photos"]}), 422, "invalid_field")
