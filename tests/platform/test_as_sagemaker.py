"""`local_invoke.py --as-sagemaker`: the command-line client through the emulated platform."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from client.asking import invoke
from client.command_line import main
from client.problems import Refused
from client.references import reference
from model.samples.samples import small_sample
from tests.platform.as_sagemaker import run_image
from tests.platform.hosting import Instance
from tests.platform.transports import queued_calls, realtime_calls

PICTURES = [word for name, file in small_sample().items() for word in (f"--{name}", str(file))]
URL = "http://sagemaker"
FAST = ["--width", "64", "--height", "96", "--steps", "2"]

# Its answers are fine, but /ping must have no body.
BROKEN = """
import base64, hashlib, http.server, json, os

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        content = b"OK"
        if self.command == "POST":
            self.rfile.read(int(self.headers["Content-Length"]))
            output = {"name": "a.txt", "data": base64.b64encode(b"a").decode()}
            output["sha256"] = hashlib.sha256(b"a").hexdigest()
            content = json.dumps({"warnings": [], "seed": 1, "outputs": [output]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def test_a_tryon_as_on_sagemaker_and_what_the_platform_saw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tryon", *PICTURES, *FAST, "--seed", "7", "--as-sagemaker", "--out", str(tmp_path)]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [str(tmp_path / name) for name in ("result.png", "side_by_side.png")]
    assert printed.err.startswith("starting a server as SageMaker does (model demo) ...\nready after ")
    assert "seed 7" in printed.err
    assert " pings, the slowest was answered after " in printed.err
    assert printed.err.splitlines()[-1] == "it saw no violations of its contract"


Calls = Callable[[Instance], AbstractContextManager[httpx.BaseTransport]]


@pytest.mark.parametrize("calls", [realtime_calls, queued_calls])
def test_answers_and_problems_arrive_as_the_container_gave_them(hosted: Instance, calls: Calls) -> None:
    def ask(**fields: Any) -> Any:
        return invoke(http, {"type": "probe", "deadline_s": 600, **fields}, lambda *_: None, retries=0)

    with calls(hosted) as transport, httpx.Client(base_url=URL, transport=transport, timeout=600) as http:
        assert ask(seed=3)["seed"] == 3
        with pytest.raises(Refused, match="422 not_liked"):
            ask(then="refuse")
        with pytest.raises(Refused, match="504 deadline"):
            ask(unforeseen_s=[0.1] * 6000, deadline_s=0.5)


def test_a_request_too_large_for_the_queue_goes_through_s3(hosted: Instance) -> None:
    body = {"type": "probe", "deadline_s": 600, "pictures": [reference(str(small_sample()["person"]))] * 8}
    with queued_calls(hosted) as transport, httpx.Client(base_url=URL, transport=transport, timeout=600) as http:
        assert len(http.build_request("POST", "/invocations", json=body).read()) > 128_000
        assert invoke(http, body, lambda *_: None)["state"] == "done"


def test_an_image_that_breaks_the_contract_ends_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    podman, script = tmp_path / "podman", tmp_path / "broken.py"
    script.write_text(BROKEN)
    podman.write_text(f"#!/bin/sh\nexec {sys.executable} {script}\n")
    podman.chmod(podman.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    words = ["avatar", "--photos", "s3://bucket/me/", "--as-sagemaker", "atelier:cpu", "--out", str(tmp_path / "out")]
    assert main(words) == 1
    said = capsys.readouterr().err.splitlines()
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"a"
    assert "violation: /ping has a body: b'OK'" in said
    assert said[-1].endswith(" violations of SageMaker's contract")


def test_an_image_is_run_with_serve_its_port_and_read_only_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="neither podman nor docker"):
        run_image("atelier:cpu", "demo", 8081, {})
    docker = tmp_path / "docker"
    docker.write_text("")
    docker.chmod(0o700)
    command = run_image("atelier:cpu", "/weights", 8081, {"OVERLOAD": "wait"})
    assert command[:3] == [str(docker), "run", "--rm"]
    assert command[-2:] == ["atelier:cpu", "serve"]
    pairs = list(pairwise(command))
    assert ("--volume", "/weights:/opt/ml/model:ro") in pairs
    assert ("--env", "SAGEMAKER_BIND_TO_PORT=8081") in pairs
    assert ("--env", "OVERLOAD=wait") in pairs
    assert ("--env", "MODEL_DIR=demo") not in pairs
    assert ("--env", "MODEL_DIR=demo") in pairwise(run_image("atelier:cpu", "demo", 8081, {}))


@pytest.mark.parametrize("words", [["--as-sagemaker", "--url", "http://localhost:8080"], ["--async"]])
def test_what_does_not_go_together_is_wrong_usage(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        main(["avatar", "--photos", "s3://bucket/me/", "--out", str(tmp_path), *words])
    assert end.value.code == 2


def test_outside_a_checkout_it_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tests.platform", None)
    words = ["avatar", "--photos", "s3://bucket/me/", "--as-sagemaker", "--out", str(tmp_path)]
    assert main(words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("atelier: --as-sagemaker needs a checkout of the repository, set up by `make setup`: ")
