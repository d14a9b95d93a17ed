"""For `local_invoke.py --as-sagemaker`: a container under SageMaker's conditions, asked through boto3.

Real-time calls have 60 s and 6 MB each way. Asynchronous ones (`queued`) go through S3, which is moto's server here.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx

from tests.platform.hosting import Instance, Unhealthy
from tests.platform.transports import queued_calls, realtime_calls
from tests.server import free_port

__all__ = ["ContractBroken", "Unhealthy", "as_sagemaker"]

# What an asynchronous deployment sets.
QUEUED = {"OVERLOAD": "wait", "MAX_INLINE_BYTES": "0", "DEADLINE_S": "3500"}


class ContractBroken(Exception):  # noqa: N818 - what happened
    """The platform would not have put up with it."""


@contextlib.contextmanager
def as_sagemaker(
    model_dir: str, image: str, *, queued: bool, say: Callable[[str], None]
) -> Iterator[httpx.BaseTransport]:
    """Host a container for the time of a `with`; yields what sends `/invocations` to it.

    Args:
        model_dir: a folder of checkpoints, or `demo`.
        image: run by podman or docker; empty: the server of this checkout, as a process.
        queued: as an asynchronous endpoint.
        say: told, in a line each, what is going on and what the platform saw.

    Raises:
        Unhealthy: the container did not start in time.
        ContractBroken: in the end, when everything else went well.
    """
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        instance = make(Path(folder), model_dir, image, QUEUED if queued else {})
        say(f"starting {image or 'a server'} as SageMaker does (model {model_dir}) ...")
        began = time.monotonic()
        instance.start()
        say(f"ready after {time.monotonic() - began:.1f} s")
        try:
            with (queued_calls if queued else realtime_calls)(instance) as transport:
                yield transport
        finally:
            stopped = instance.stop()
            if stopped.killed:
                instance.violations.append(f"it did not end within {stopped.seconds:.0f} s of SIGTERM")
            tell(instance, say)
    if instance.violations:
        raise ContractBroken(f"{len(instance.violations)} violations of SageMaker's contract")


def make(folder: Path, model_dir: str, image: str, environment: Mapping[str, str]) -> Instance:
    """The instance, not started."""
    port = free_port()
    where = model_dir if model_dir == "demo" else str(Path(model_dir).resolve())
    if model_dir == "demo":
        environment = {"ENGINES": "tryon,avatar", **environment}  # the untrained too
    command = run_image(image, where, port, environment) if image else None
    return Instance(folder, model_dir=where, environment=environment, command=command, port=port)


def run_image(image: str, model_dir: str, port: int, environment: Mapping[str, str]) -> list[str]:
    """The command that runs an image with `serve`, the weights read-only where the platform puts them.

    Raises:
        FileNotFoundError: there is neither podman nor docker.
    """
    engine = shutil.which("podman") or shutil.which("docker")
    if engine is None:
        raise FileNotFoundError("neither podman nor docker is installed, so no image can be run")
    mounted = [] if model_dir == "demo" else ["--volume", f"{model_dir}:/opt/ml/model:ro"]
    variables = {"SAGEMAKER_BIND_TO_PORT": str(port), **environment}
    if model_dir == "demo":
        variables["MODEL_DIR"] = model_dir
    set_there = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    return [engine, "run", "--rm", "--network", "host", *mounted, *set_there, image, "serve"]


def tell(instance: Instance, say: Callable[[str], None]) -> None:
    """What the platform saw."""
    slowest_s = max(ping.seconds for ping in instance.pings)
    say(f"SageMaker sent {len(instance.pings)} pings, the slowest was answered after {1000 * slowest_s:.0f} ms")
    for missing in instance.not_played:
        say(f"note: not played here: {missing}")
    for violation in instance.violations:
        say(f"violation: {violation}")
    if not instance.violations:
        say("it saw no violations of its contract")
