"""`container train` between SageMaker's files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from container.__main__ import main
from container.train import run
from tests.model.train.small import HEIGHT, UNET, WIDTH

HYPERPARAMETERS = {
    "what": '"tryon"',  # as SageMaker's own toolkit writes strings
    "trainable": "all",
    "unet": json.dumps(UNET),
    "width": str(WIDTH),
    "height": str(HEIGHT),
    "dream": "none",
    "batch_size": "2",
    "log_steps": "1",
    "picture_steps": "0",
    "device": "cpu",
    "max_steps": "1000000",
    "sagemaker_region": '"eu-west-1"',
}


def write(root: Path, name: str, content: Any) -> None:
    file = root / "input/config" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


def failure(root: Path) -> str:
    return (root / "output/failure").read_text()


def test_sigterm_saves_and_leaves_a_model(place: Path, tmp_path: Path) -> None:
    root = tmp_path / "ml"
    (root / "input/data").mkdir(parents=True)
    shutil.move(place / "data", root / "input/data/clothes")
    shutil.move(place / "start", root / "input/data/model")
    write(root, "hyperparameters", HYPERPARAMETERS)
    write(root, "resourceconfig", {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"})

    def stop_after_a_step() -> None:
        while not (root / "output/tensorboard/metrics.jsonl").is_file():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_after_a_step, daemon=True).start()
    assert main(["train", "--root", str(root)]) == 0
    assert not (root / "output/failure").exists()
    assert (root / "model/catvton/base/unet/diffusion_pytorch_model.safetensors").is_file()
    assert len(list((root / "checkpoints").glob("step-*.pt"))) == 1


@pytest.mark.parametrize(
    ("hyperparameters", "said"),
    [
        ({"max_steps": "many"}, "max_steps: Input should be a valid integer"),
        ({"what": "tryon", "max_steps": "1"}, "'tryon' needs 'start'"),
        ({"max_steps": "1", "leraning_rate": "1"}, "leraning_rate: Extra inputs are not permitted"),
        (["max_steps"], "hyperparameters.json: expected an object, got list"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said_where_sagemaker_looks(
    tmp_path: Path, hyperparameters: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "input/data/clothes").mkdir(parents=True)
    write(tmp_path, "hyperparameters", hyperparameters)
    assert main(["train", "--root", str(tmp_path)]) == 1
    assert said in failure(tmp_path)
    assert said in capsys.readouterr().err


def test_where_no_reason_can_be_left_it_is_said_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "output").write_text("a file where a folder should be")
    assert main(["train", "--root", str(tmp_path)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("error: ")
    assert said[1] == f"this is not in {tmp_path / 'output/failure'}: File exists"


def test_an_unknown_host_is_refused(tmp_path: Path) -> None:
    (tmp_path / "input/data/clothes").mkdir(parents=True)
    (tmp_path / "input/data/model").mkdir()
    write(tmp_path, "hyperparameters", {"max_steps": "1", "device": "cpu"})
    write(tmp_path, "resourceconfig", {"current_host": "algo-3", "hosts": ["algo-1", "algo-2"]})
    assert main(["train", "--root", str(tmp_path)]) == 1
    assert "current_host is 'algo-3', which is none of algo-1, algo-2" in failure(tmp_path)


def test_the_last_words_of_a_training_are_its_reason(capfd: pytest.CaptureFixture[str]) -> None:
    speak = "import sys; print('step=1', file=sys.stderr); print('error: no pictures', file=sys.stderr); sys.exit(1)"
    assert run([sys.executable, "-c", speak]) == (1, "error: no pictures")
    assert capfd.readouterr().err == "step=1\nerror: no pictures\n"


def test_a_training_that_was_killed_has_a_reason_too() -> None:
    status, reason = run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    assert (status, reason) == (-9, "the training was killed by SIGKILL")
