"""What can be known to stop the start before anything listens: without torch, so in a moment. Every reason names the
setting to change."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from container.chosen_engines import chosen_engines, refuse_full_size_without_a_gpu
from container.settings import Settings
from model.engines.pack import EnginePack
from model.errors import WeightsError
from serve.spool import Spool

_PLATFORMS_PORT = "SAGEMAKER_BIND_TO_PORT"
_GPUS = ("dev/nvidia[0-9]*", "proc/driver/nvidia/gpus/*", "dev/dxg", "dev/kfd")  # also Windows' and AMD's
_FIRST_FREE_PORT = 1024  # below are the system's


class CannotServe(Exception):  # noqa: N818 - ends the process
    """The settings and this machine do not go together."""


def check(settings: Settings) -> None:
    """Weights, engines, device and rasteriser.

    Raises:
        CannotServe, WeightsError: one of them is not there.
    """
    folder = settings.model_dir
    if folder != "demo" and not Path(folder).is_dir():
        raise CannotServe(f"MODEL_DIR={folder}: there is no such folder; MODEL_DIR=demo has built-in weights")
    try:
        pack = EnginePack(folder)
    except WeightsError as error:  # of its manifest
        raise CannotServe(f"MODEL_DIR: {error}") from None
    chosen = chosen_engines(settings.engines, settings.defaults(), pack)
    there = gpus(os.environ, Path("/"))
    wanted, _, number = settings.device.partition(":")
    if settings.device == "auto":
        refuse_full_size_without_a_gpu(chosen.packs, has_gpu=there > 0)
    if wanted == "cuda" and int(number or 0) >= there:
        found = f"only {there}" if there else "no GPU"
        raise CannotServe(f"DEVICE={settings.device}: {found} can be seen here; DEVICE=cpu computes without")
    if settings.rasteriser in ("pytorch3d", "nvdiffrast") and find_spec(settings.rasteriser) is None:
        raise CannotServe(f"RASTERISER={settings.rasteriser}: it is not installed; RASTERISER=auto takes ours")


def gpus(environment: Mapping[str, str], root: Path) -> int:
    """How many GPUs a process can see at most, by what the system shows and `CUDA_VISIBLE_DEVICES` allows."""
    there = max(len(list(root.glob(pattern))) for pattern in _GPUS)
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return there
    named = [word.strip() for word in visible.split(",")]
    return min(there, len([word for word in named if word and word != "-1"]))


def open_spool(settings: Settings) -> Spool:
    """The lock on SPOOL_DIR, which says whose it is.

    Raises:
        CannotServe: it cannot be made or written to.
        SpoolInUse: another server has it.
    """
    folder = settings.spool_dir
    holder = f"process {os.getpid()} of user {os.geteuid()}, on port {settings.port}"
    try:
        return Spool(folder, min_free_bytes=settings.spool_min_free_bytes, ttl_s=settings.job_ttl_s, holder=holder)
    except OSError as error:
        reason = (error.strerror or "it cannot be used").lower()
        raise CannotServe(f"SPOOL_DIR={folder}: {reason}{_whose(folder)}; name a folder of your own") from None


def _whose(folder: Path) -> str:
    try:
        owner = folder.stat().st_uid
    except OSError:
        return ""
    return "" if owner == os.geteuid() else f", it belongs to user {owner}"


def listen(host: str, port: int) -> socket.socket:
    """The listening socket, made before anything else so that a taken port stops the start.

    Raises:
        CannotServe: there is no listening there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio does not turn Nagle's algorithm off and answers wait 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise CannotServe(_why_not(error, host, port)) from None
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    setting = _PLATFORMS_PORT if _PLATFORMS_PORT in os.environ else "PORT"
    if error.errno == errno.EADDRINUSE:
        return f"{setting}={port}: another program listens there; name another port"
    if error.errno == errno.EACCES:
        return f"{setting}={port}: this user may only have ports from {_FIRST_FREE_PORT} on; name another"
    return f"HOST={host}: this machine has no such address; HOST=0.0.0.0 stands for all it has"
