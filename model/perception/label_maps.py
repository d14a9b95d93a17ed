"""A person labelled three ways: body surfaces, and clothes as two data sets name them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from model.perception.files import label_map_files
from model.perception.onnx_file import Provider
from model.perception.parsing import Labels, Parsing
from model.runtime.device import Device

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


class Labelling:
    """The three networks, on the CPU unless the device is a GPU that onnxruntime can use.

    They run beside the device's queue, never in it, one picture at a time.

    Raises:
        WeightsError: a file is not what it should be.
    """

    def __init__(self, weights: Path, device: Device, cache_bytes: int = _CACHE_BYTES) -> None:
        providers = onnx_providers(device)
        self.networks = [Parsing(file, classes, providers) for file, classes in label_map_files(weights).items()]
        self._device = device
        self._turn = asyncio.Lock()
        self._known = Recent(cache_bytes, device.config.latent_cache_s)

    async def __call__(self, picture: Image.Image) -> LabelMaps:
        """The labels of an RGB picture; remembered for a while, because every category of garment needs the same."""
        digest = await self._device.cpu(lambda: hashlib.sha256(f"{picture.size}".encode() + picture.tobytes()).digest())
        async with self._turn:
            maps = self._known.get(digest)
            if maps is None:
                maps = await self._device.cpu(lambda: LabelMaps(*(one.labels(picture) for one in self.networks)))
                self._known.put(digest, maps)
        return maps


class Recent:
    """The label maps used last.

    Args:
        most_bytes: what they may take together.
        most_s: when to forget them, counted from their making. Photos are of people: using them again keeps nothing.
    """

    def __init__(self, most_bytes: int, most_s: float) -> None:
        self._most_bytes = most_bytes
        self._most_s = most_s
        self._kept: OrderedDict[bytes, tuple[LabelMaps, asyncio.TimerHandle]] = OrderedDict()  # used last comes last

    def get(self, digest: bytes) -> LabelMaps | None:
        if digest not in self._kept:
            return None
        self._kept.move_to_end(digest)
        return self._kept[digest][0]

    def put(self, digest: bytes, maps: LabelMaps) -> None:
        """Remember the maps of a picture that has none here. Needs a running event loop."""
        # A timer, so that a worker with nothing to do forgets as well.
        self._kept[digest] = maps, asyncio.get_running_loop().call_later(self._most_s, self._forget, digest)
        while sum(held.nbytes for held, _ in self._kept.values()) > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, digest: bytes) -> None:
        _, timer = self._kept.pop(digest)
        timer.cancel()


def onnx_providers(device: Device) -> list[Provider]:
    """Where onnxruntime may compute, the preferred place first."""
    import onnxruntime  # only those who look for masks pay for it

    cpu, gpu = "CPUExecutionProvider", "CUDAExecutionProvider"
    if device.torch_device.type == "cuda" and gpu in onnxruntime.get_available_providers():
        return [(gpu, {"device_id": device.torch_device.index or 0}), cpu]
    return [cpu]
