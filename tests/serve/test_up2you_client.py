"""Clients of a digital twin, unchanged: a folder of photos in, a folder with the avatar out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serve.clients.up2you_flags import not_read, read
from serve.errors import Invalid
from tests.serve.test_invocations import assert_problem
from tests.server import Server, eventually, serving

TINY = [
    "--size",
    "64",
    "--steps=2",
    "--mesh_size",
    "64",
    "--iterations",
    "3",
    "--faces",
    "2000",
    "--turntable=false",
    "--body_only",
]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory, photos: dict[str, Path]) -> Path:
    """Where its photos are, and its avatars go."""
    disk = tmp_path_factory.mktemp("disk")
    data = disk / "data" / "anna smith"
    data.mkdir(parents=True)
    for photo in photos.values():
        shutil.copy(photo, data)
    (data / ".DS_Store").write_bytes(b"nothing")
    return disk


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[Server]:
    settings = {
        "ENGINES": "up2you",
        "CLIENTS": "up2you,omoib",
        "ALLOW_FILE_URIS": 1,
        "INPUT_ALLOW": f"file://{disk}/data/",
        "OUTPUT_ALLOW": f"file://{disk}/out/",
        "UP2YOU_DATA_DIR": disk / "data",
        "UP2YOU_BASE_MODEL_PATH": "/models/sd21",
    }
    with serving(tmp_path_factory.mktemp("twin"), **settings) as server:
        yield server


def told_of(server: Server, job_id: str) -> dict[str, Any]:
    told: dict[str, Any] = server.client.get(f"/api/jobs/{job_id}").json()
    return told


def test_a_folder_of_photos_becomes_a_folder_with_the_avatar_and_a_log(twin: Server, disk: Path) -> None:
    asked = {
        "data_dir": str(disk / "data/anna smith"),
        "output_dir": str(disk / "out/anna"),
        "extra_args": [*TINY, "--device", "cuda"],
    }
    answer = twin.client.post("/api/jobs", json=asked)
    taken = answer.json()
    assert answer.status_code == 202, taken
    assert taken["status"] in ("queued", "running")
    assert taken["warnings"] == ["--device is not read: the device is that of DEVICE"]
    eventually(lambda: told_of(twin, taken["job_id"])["status"] not in ("queued", "running"))
    told = told_of(twin, taken["job_id"])
    assert told.keys() == {"job_id", "status", "data_dir", "output_dir", "log_file", "warnings", "outputs", "error"}
    assert (told["status"], told["error"]) == ("completed", None), told
    assert (told["data_dir"], told["output_dir"]) == (asked["data_dir"], asked["output_dir"])
    made = {Path(file).name for file in told["outputs"]}
    assert {"avatar.glb", "avatar.obj"} <= made
    assert all(Path(file).is_relative_to(disk / "out/anna") and Path(file).is_file() for file in told["outputs"])
    log = Path(told["log_file"])
    eventually(lambda: log.read_text().endswith("completed\n"))
    assert log.is_relative_to(disk / "out/anna")
    assert " shape " in log.read_text()


def test_our_jobs_are_told_of_in_our_words(twin: Server) -> None:
    answer = twin.client.post("/api/jobs", json={"photos": []})
    assert_problem(answer, 422, "invalid_field", "photos")
    assert_problem(twin.client.get("/api/jobs/unknown"), 404, "no_such_job", None)


def test_a_job_that_fails_says_why(twin: Server, disk: Path) -> None:
    (disk / "data/empty").mkdir()
    (disk / "data/broken").mkdir()
    (disk / "data/broken/photo.jpg").write_bytes(b"no picture")
    empty = twin.client.post("/api/jobs", json={"data_dir": "empty"})  # under UP2YOU_DATA_DIR
    assert_problem(empty, 424, "input_unavailable", "data_dir")
    job_id = twin.client.post("/api/jobs", json={"data_dir": "broken"}).json()["job_id"]
    eventually(lambda: told_of(twin, job_id)["status"] == "failed")
    assert "photos.0" in told_of(twin, job_id)["error"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"data_dir": "/etc"}, "input_not_allowed", "data_dir"),
        ({"data_dir": "../out"}, "input_not_allowed", "data_dir"),
        ({"data_dir": "file:///etc/"}, "input_not_allowed", "data_dir"),
        ({"data_dir": ""}, "invalid_field", "data_dir"),
        ({"output_dir": "/etc"}, "output_not_allowed", "output_dir"),
        ({"output_dir": "results"}, "invalid_field", "output_dir"),
        ({"extra_args": ["--prompt", "x"]}, "invalid_field", "extra_args"),
        ({"extra_args": ["--steps", "many"]}, "invalid_field", "steps"),
        ({"gpu": 1}, "invalid_field", "gpu"),
    ],
)
def test_what_is_not_allowed_or_not_known_is_refused(
    twin: Server, disk: Path, fields: dict[str, Any], code: str, field: str
) -> None:
    answer = twin.client.post("/api/jobs", json={"data_dir": "anna smith"} | fields)
    assert_problem(answer, 422, code, field)


def test_health_has_its_fields_and_variables_that_are_not_read_are_warned_of(twin: Server) -> None:
    assert twin.client.get("/health").json() == {"state": "ready", "status": "healthy", "jobs_waiting": 0}
    warned = [json.loads(line)["message"] for line in twin.log.read_text().splitlines() if "UP2YOU_" in line]
    assert "UP2YOU_BASE_MODEL_PATH is not read: weights are those of MODEL_DIR" in warned


def test_flags_come_as_words_as_a_text_or_as_an_object() -> None:
    asked: list[object] = [["--seed", "3", "--parts"], "--seed=3 --parts", {"seed": "3", "--parts": True}]
    for given in asked:
        assert read(given) == ({"seed": "3", "parts": True}, [])
    assert read(None) == ({}, [])


@pytest.mark.parametrize("given", [3, ["seed"], "--seed 'x", [1], {"data_dir": "/x"}])
def test_flags_that_are_none_are_refused(given: object) -> None:
    with pytest.raises(Invalid, match="extra_args"):
        read(given)


def test_variables_of_others_are_left_alone() -> None:
    assert not_read(["UP2YOU_DATA_DIR", "PATH", "UP2YOU_PORT"]) == ["UP2YOU_PORT is not read"]
