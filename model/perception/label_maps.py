"""A person labelled three ways: body surfaces, and clothes as two data sets name them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol

from PIL import Image

from model.perception.densepose.network import read_densepose
from model.perception.densepose.torchscript import ScriptedDensePose
from model.perception.files import label_map_files
from model.perception.onnx_file import Provider
from model.perception.parsing import Labels, Parsing
from model.runtime.device import Device
from model.runtime.recent import Recent, S

_CACHE_BYTES = 64 * 2**20  # some twenty pictures


@dataclass(frozen=True)
class LabelMaps:
    """What the three networks saw in one picture, all of the picture's size."""

    densepose: Labels  # 25 classes
    lip: Labels  # 20 classes
    atr: Labels  # 18 classes

    @property
    def nbytes(self) -> int:
        return self.densepose.nbytes + self.lip.nbytes + self.atr.nbytes


class ThreeParsers:
    """The three networks, on the CPU unless the device is a GPU that onnxruntime can use.

    Raises:
        WeightsError: a file is not what it should be.
    """

    def __init__(self, weights: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> None:
        files = label_map_files(weights).items()
        self.densepose, self.lip, self.atr = (open_parser(file, classes, providers) for file, classes in files)

    def __call__(self, picture: Image.Image) -> LabelMaps:
        """What they see in an RGB picture."""
        return LabelMaps(*(parser.labels(picture) for parser in (self.densepose, self.lip, self.atr)))


class CachedLook(Generic[S]):
    """Looks at pictures beside the device's queue, never in it, one at a time, and remembers what it saw.

    Args:
        look: what is seen in an RGB picture; runs in a thread.
    """

    def __init__(self, look: Callable[[Image.Image], S], device: Device, cache_bytes: int = _CACHE_BYTES) -> None:
        self._look = look
        self._device = device
        self._turn = asyncio.Lock()
        self._known: Recent[S] = Recent(cache_bytes, device.config.latent_cache_s)

    async def __call__(self, picture: Image.Image) -> S:
        """What is seen in an RGB picture; remembered for a while, because every category of garment needs the same."""
        digest = await self._device.cpu(lambda: hashlib.sha256(f"{picture.size}".encode() + picture.tobytes()).digest())
        await self._turn.acquire()
        seen = self._known.get(digest)
        if seen is not None:
            self._turn.release()
            return seen
        # A thread cannot be stopped: whoever asked may be cancelled meanwhile, and others wait for what comes of it.
        return await asyncio.shield(asyncio.create_task(self._looked(picture, digest)))

    async def _looked(self, picture: Image.Image, digest: bytes) -> S:
        """Looks at it and ends the turn."""
        try:
            seen = await self._device.cpu(lambda: self._look(picture))
            self._known.put(digest, seen)
        finally:
            self._turn.release()
        return seen


class Parser(Protocol):
    """Something that gives every pixel a class."""

    def labels(self, picture: Image.Image) -> Labels:
        """(H, W), of an RGB picture."""


def open_parser(file: Path, classes: int, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> Parser:
    """The network in `file`: DensePose's own in safetensors or as a TorchScript, anything else in ONNX.

    Raises:
        WeightsError: the file cannot be read or is not such a network.
    """
    if file.suffix == ".torchscript":
        return ScriptedDensePose(file)
    return read_densepose(file) if file.suffix == ".safetensors" else Parsing(file, classes, providers)


def onnx_providers(device: Device) -> list[Provider]:
    """Where onnxruntime may compute, the preferred place first."""
    import onnxruntime  # only those who look for masks pay for it

    cpu, gpu = "CPUExecutionProvider", "CUDAExecutionProvider"
    if device.torch_device.type == "cuda" and gpu in onnxruntime.get_available_providers():
        return [(gpu, {"device_id": device.torch_device.index or 0}), cpu]
    return [cpu]
