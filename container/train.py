"""`python -m container train`: what `docker run IMAGE train` starts on SageMaker.

    /opt/ml/input/config/hyperparameters.json   settings of the training, all values strings
    /opt/ml/input/config/resourceconfig.json    which host this is, of which
    /opt/ml/input/data/<channel>/               data sets; the channel `model` is a MODEL_DIR to start from
    /opt/ml/checkpoints/                        where a stopped training goes on
    /opt/ml/model/                              the MODEL_DIR written
    /opt/ml/output/failure                      why it failed, in short

The training runs in a process of its own, or one a GPU and host, so that even one that was killed leaves a reason.
Metrics for SageMaker come from its log lines, "step=100 loss=0.0123 ...", with `loss=([0-9.e+-]+)` and the like.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pydantic import BaseModel, ConfigDict, ValidationError

from model.train.errors import SettingsError
from model.train.kinds import read_settings

ROOT = Path("/opt/ml")
MODEL_CHANNEL = "model"

_SHOWN = 1024  # characters of the reason that SageMaker passes on
_PORT = 29500  # on the first host


class ResourceConfig(BaseModel):
    """`resourceconfig.json`."""

    model_config = ConfigDict(extra="ignore")

    current_host: str = "algo-1"
    hosts: list[str] = ["algo-1"]


def main(root: Path = ROOT) -> int:
    """Train as the files under `root` say; returns the exit status: 0 also when a signal stopped it."""
    try:
        options = _options(root)
        read_settings(options)
        resources = _read(root / "input/config/resourceconfig.json", {})
        command = _command(ResourceConfig.model_validate(resources), options)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        return _failed(root, f"{'.'.join(map(str, first['loc'])) or 'settings'}: {message}")
    except SettingsError as error:
        return _failed(root, error.message)
    except (OSError, ValueError) as error:
        return _failed(root, str(error))
    status, last = run(command)
    return status if status == 0 else _failed(root, last or f"the training ended with status {status}", status)


def _options(root: Path) -> dict[str, str]:
    """The hyperparameters, and where SageMaker has put and wants things unless they say otherwise."""
    given = _read(root / "input/config/hyperparameters.json", {})
    channels = sorted(folder for folder in (root / "input/data").glob("*") if folder.is_dir())
    places = {
        "data": ",".join(str(folder) for folder in channels if folder.name != MODEL_CHANNEL),
        "out": str(root / "model"),
        "checkpoints": str(root / "checkpoints"),
        "logs": str(root / "output/tensorboard"),
    }
    if (root / "input/data" / MODEL_CHANNEL).is_dir():
        places["start"] = str(root / "input/data" / MODEL_CHANNEL)
    # SageMaker's own toolkit adds names of its own, and writes strings as JSON.
    settings = {name: _plain(value) for name, value in given.items() if not name.startswith("sagemaker_")}
    return places | settings


def _plain(value: object) -> str:
    text = str(value)
    return str(json.loads(text)) if len(text) > 1 and text[0] == text[-1] == '"' else text


def _read(file: Path, default: dict[str, object]) -> dict[str, object]:
    if not file.is_file():
        return default
    content = json.loads(file.read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"{file}: expected an object, got {type(content).__name__}")
    return content


def _command(resources: ResourceConfig, options: dict[str, str]) -> list[str]:
    """`python -m model train`, on several GPUs or hosts through torch's launcher."""
    words = ["model", "train", *(f"--{name.replace('_', '-')}={value}" for name, value in options.items())]
    processes = 1 if options.get("device") == "cpu" else _gpus()
    if processes == 1 and len(resources.hosts) == 1:
        return [sys.executable, "-m", *words]
    if resources.current_host not in resources.hosts:
        hosts = ", ".join(resources.hosts)
        raise ValueError(f"resourceconfig.json: current_host is {resources.current_host!r}, which is none of {hosts}")
    launcher = [  # ends in --, or it would take some of the training's options for its own
        *("torch.distributed.run", f"--nnodes={len(resources.hosts)}", f"--nproc-per-node={processes}"),
        f"--node-rank={resources.hosts.index(resources.current_host)}",
        *(f"--master-addr={resources.hosts[0]}", f"--master-port={_PORT}", "-m", "--"),
    ]
    return [sys.executable, "-m", *launcher, *words]


def _gpus() -> int:
    import torch  # takes seconds; a process on the CPU does without it

    return max(1, torch.cuda.device_count())


def run(command: list[str]) -> tuple[int, str]:
    """Run it to its end; SIGTERM is handed on. Returns the exit status and the last line it said.

    A training that a signal stopped has saved and counts as done. torch's launcher calls it a failure all the same.
    """
    last: deque[str] = deque(maxlen=1)
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace")  # noqa: S603
    with child, _handing_on(child) as stopped:
        for line in child.stderr or ():
            sys.stderr.write(line)
            if line.strip():
                last.append(line.strip())
        status = child.wait()
    if stopped and "torch.distributed.run" in command:
        status = 0
    if status < 0:
        return status, f"the training was killed by {signal.Signals(-status).name}"
    return status, "".join(last)


@contextmanager
def _handing_on(child: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Signals to end go to the child; those that came are in the list."""
    came: list[int] = []

    def hand_on(number: int, frame: FrameType | None) -> None:
        came.append(number)
        child.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _failed(root: Path, reason: str, status: int = 1) -> int:
    """Say the reason, and leave it where SageMaker looks for it."""
    sys.stderr.write(f"error: {reason}\n")
    file = root / "output/failure"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(reason[:_SHOWN], encoding="utf-8")
    except OSError as error:  # a plain user, outside SageMaker
        sys.stderr.write(f"this is not in {file}: {error.strerror}\n")
    return status if status > 0 else 128 - status
