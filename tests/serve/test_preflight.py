"""What stops the start before anything listens, and what it says. The machine is pretended where it would not fit."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from container.preflight import CannotServe, check, gpus, listen, open_spool
from container.serve import page_at
from container.settings import Settings
from model.errors import WeightsError
from serve.spool import SpoolInUse
from tests.server import ROOT
from tests.untrained import untrained_pack


def refused(said: str, **settings: Any) -> None:
    with pytest.raises((CannotServe, WeightsError), match=said):
        check(Settings(**settings))


def test_what_is_there_passes() -> None:
    check(Settings(MODEL_DIR="demo", DEVICE="cpu"))


def test_the_model_dir_is_named(tmp_path: Path) -> None:
    refused("MODEL_DIR=/nowhere: there is no such folder", MODEL_DIR="/nowhere")
    refused(f"MODEL_DIR={tmp_path} holds no weights", MODEL_DIR=str(tmp_path))
    (tmp_path / "manifest.json").write_text("{")
    refused(f"MODEL_DIR: {tmp_path}/manifest.json", MODEL_DIR=str(tmp_path))


def test_engines_are_named() -> None:
    said = "ENGINES or DEFAULT_ENGINES names 'ootdiffusion', but MODEL_DIR has no "
    refused(said, MODEL_DIR=str(untrained_pack()), ENGINES="ootdiffusion")


def test_the_rasteriser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("container.preflight.find_spec", lambda name: None)
    refused("RASTERISER=pytorch3d", MODEL_DIR="demo", RASTERISER="pytorch3d")
    check(Settings(MODEL_DIR="demo", RASTERISER="torch"))


@pytest.mark.parametrize(("there", "taken", "refused_one"), [(0, "cpu", "cuda"), (2, "cuda:1", "cuda:2")])
def test_a_device_that_is_not_there_is_named(
    there: int, taken: str, refused_one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("container.preflight.gpus", lambda environment, root: there)
    check(Settings(MODEL_DIR="demo", DEVICE=taken))
    refused(f"DEVICE={refused_one}", MODEL_DIR="demo", DEVICE=refused_one)


def test_gpus_are_counted_by_what_the_system_shows(tmp_path: Path) -> None:
    assert gpus({}, tmp_path) == 0
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        (tmp_path / "dev" / name).touch()
    visible = {"1": 1, "": 0, "-1": 0, "0,1": 2, "GPU-3f,GPU-4e,GPU-5d": 2}
    assert gpus({}, tmp_path) == 2
    assert {one: gpus({"CUDA_VISIBLE_DEVICES": one}, tmp_path) for one in visible} == visible


@pytest.mark.parametrize("setting", ["PORT", "SAGEMAKER_BIND_TO_PORT"])
def test_a_port_that_is_taken_is_named(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGEMAKER_BIND_TO_PORT", raising=False)
    monkeypatch.setenv(setting, "80")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotServe, match=f"^{setting}={port}: another program listens there"):
            listen("127.0.0.1", port)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may have any port")
def test_a_port_of_the_system_is_named() -> None:
    with pytest.raises(CannotServe, match="PORT=1: this user may only"):
        listen("127.0.0.1", 1)


def test_a_spool_that_is_a_file_or_below_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "spool"):
        with pytest.raises(CannotServe, match=f"SPOOL_DIR={folder}: .*name a folder of your own"):
            open_spool(Settings(SPOOL_DIR=folder))


def test_a_spool_that_another_has_says_whose_it_is(tmp_path: Path) -> None:
    first = open_spool(Settings(SPOOL_DIR=tmp_path, PORT=1234))
    with pytest.raises(SpoolInUse, match=f"SPOOL_DIR={tmp_path} is that of process {os.getpid()} .* port 1234"):
        open_spool(Settings(SPOOL_DIR=tmp_path))
    first.close()
    open_spool(Settings(SPOOL_DIR=tmp_path)).close()


def test_all_settings_that_are_wrong_are_said_but_no_secret() -> None:
    wrong = {"DTYPE": "float8", "WORKERS": "-1", "WEBHOOK_SECRET": "whsec_no-base-64", "DEVICE": "gpu"}
    command = [sys.executable, "-m", "container", "serve"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **wrong}, capture_output=True, text=True, timeout=600)
    [line] = done.stderr.splitlines()
    assert done.returncode == 3
    assert all(f"{name}: " in line for name in wrong)
    assert "(got 'gpu')" in line
    assert "no-base-64" not in line


def test_on_a_terminal_the_log_is_text() -> None:
    shown, terminal = pty.openpty()
    code = "import logging; from container.logs import set_up; set_up('auto'); logging.getLogger('serve').info('hello')"
    for sink in (terminal, subprocess.PIPE):
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=sink, timeout=600)
        line = done.stderr or os.read(shown, 1000)
        assert b"hello" in line
        assert line.startswith(b"{") == (sink == subprocess.PIPE)


@pytest.mark.parametrize(
    ("host", "page"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/"),
        ("0.0.0.0", "http://localhost:80/"),  # noqa: S104
        ("::", "http://localhost:80/"),
        ("fe80::1", "http://[fe80::1]:80/"),
    ],
)
def test_the_page_to_open_is_one_that_opens(host: str, page: str) -> None:
    assert page_at(host, 80) == page
