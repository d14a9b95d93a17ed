"""Starting, refusing to start, draining: what a platform sees of the process."""

from __future__ import annotations

import concurrent.futures
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import torch

from container.__main__ import main
from container.preflight import listen
from model.weights.pack import DEMO
from tests.serve.test_invocations import assert_problem
from tests.serve.test_jobs import metric
from tests.server import ROOT, Server, eventually, serving


def test_sigterm_lets_jobs_end_takes_no_new_ones_and_exits_0(tmp_path: Path) -> None:
    with serving(tmp_path, DRAIN_S=600) as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.probe, unforeseen_s=[-1], gate=str(tmp_path / "open"))
        eventually(lambda: metric(server, "atelier_jobs_live") == 1)
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: httpx.get(f"{server.url}/ping", timeout=600).status_code == 503)
        late = httpx.post(f"{server.url}/invocations", json={"type": "probe"}, timeout=600)
        assert_problem(late, 503, "draining")
        (tmp_path / "open").touch()
        assert running.result().status_code == 200
        assert server.process.wait(timeout=600) == 0


def test_what_is_not_done_by_the_end_of_the_drain_is_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, DRAIN_S=4) as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.probe, unforeseen_s=[0.1] * 10_000)
        eventually(lambda: metric(server, "atelier_jobs_live") == 1)
        assert server.stop() == 0
        assert_problem(running.result(), 503, "draining")
        assert server.jobs() == []


def test_before_a_worker_is_ready_ping_and_work_get_503(tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        eventually(lambda: refused_with_503(server))
        server.wait_ready()
    finally:
        server.close()


def refused_with_503(server: Server) -> bool:
    try:
        ping = server.client.get("/ping").status_code
    except httpx.ConnectError:
        return False
    assert ping == 503
    assert server.client.get("/health").json() == {"state": "starting"}
    assert_problem(server.probe(), 503, "not_ready")
    return True


def ends(tmp_path: Path, **settings: object) -> tuple[int, str]:
    server = Server(tmp_path, module="container", **{"ENGINES": "", **settings})
    status = server.process.wait(timeout=600)
    server.client.close()
    return status, server.log.read_text()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"MODEL_DIR": "/nowhere"}, "MODEL_DIR"),
        ({"HOST": "999.0.0.1"}, "HOST=999.0.0.1"),
        ({"DEVICE": "cpux"}, "DEVICE"),
    ],
)
def test_a_server_that_cannot_start_exits_3_with_one_line_that_says_why(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    status, log = ends(tmp_path, **settings)
    assert status == 3
    assert said in log.splitlines()[-1]
    assert "Traceback" not in log
    assert "listening" not in log


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("ENGINES", "tryon,hat", "hat"),
        ("DTYPE", "float8", "DTYPE"),
        ("ENGINE_SHARES", "tryon=-1", "ENGINE_SHARES"),
        ("OUTPUT_PREFIX", "s3://bucket", "OUTPUT_PREFIX"),
        ("MAX_PIXELS", "many", "MAX_PIXELS"),
        ("SAGEMAKER_BIND_TO_PORT", "65536", "SAGEMAKER_BIND_TO_PORT"),
    ],
)
def test_so_does_one_with_a_bad_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str, value: str, said: str
) -> None:
    monkeypatch.setenv(setting, value)
    assert main(["serve"]) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("cannot start: ")
    assert said in line


def test_a_second_server_on_a_spool_exits_3(tmp_path: Path, server: Server) -> None:
    status, log = ends(tmp_path, SPOOL_DIR=server.spool)
    assert status == 3
    assert f"is that of process {server.process.pid}" in log
    assert f"port {server.port}" in log
    assert "a SPOOL_DIR of its own" in log
    assert server.probe().status_code == 200


def test_full_size_weights_without_a_gpu_need_to_be_insisted_on(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    pack = tmp_path / "pack"
    for file in (DEMO).rglob("*"):
        target = pack / file.relative_to(DEMO)
        if file.is_file() and file.name != "manifest.json":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    with next(pack.rglob("unet/*.safetensors")).open("r+b") as weights:
        weights.truncate(600 * 10**6)  # a sparse file: nothing is read before the check
    status, log = ends(tmp_path, MODEL_DIR=pack)
    assert status == 3
    assert "DEVICE=cpu" in log


def test_the_command_line_names_its_commands() -> None:
    shown = subprocess.run([sys.executable, "-m", "container", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0
    assert "serve" in shown.stdout
    wrong = subprocess.run([sys.executable, "-m", "container", "sevre"], cwd=ROOT, capture_output=True, text=True)
    assert wrong.returncode == 2


def test_the_start_ends_with_the_address_to_open(server: Server) -> None:
    eventually(lambda: f"ready: open {server.url}/" in server.log.read_text(), within_s=180)


def test_engines_that_nobody_has_named_are_said_to_be_left_out(server: Server) -> None:
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    said = [line["engines"] for line in lines if line["message"].startswith("engines left out")]
    assert said  # a worker that takes another's place says it again
    assert all(engines == ["warp", "template", "pointcloth"] for engines in said)


def test_settings_are_printed_at_start(server: Server) -> None:
    assert '"max_live_jobs": 8' in server.log.read_text()


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """asyncio turns Nagle's algorithm off only on sockets that were made as TCP by name."""
    with listen("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.proto == socket.IPPROTO_TCP
