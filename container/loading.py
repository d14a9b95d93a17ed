"""The device and the engines on it, as a worker's settings want them."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from container.chosen_engines import chosen_engines
from container.settings import Settings
from model.engine import Loaded
from model.engines.pack import EnginePack
from model.engines.registry import ENGINES, engine_class
from model.errors import WeightsError
from model.runtime.compiling import set_up_compiling
from model.runtime.device import Device, open_device
from model.runtime.device_config import DeviceConfig
from model.runtime.memory import DeviceMemory
from model.runtime.warm_up import warm_up
from serve.workers import LoadedEngine

_FULL_SIZE_BYTES = 500 * 10**6  # weights above this are no toy: on a CPU they take minutes a picture

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Computer:
    """What a worker computes with."""

    device: Device
    engines: Mapping[str, Loaded]
    models: Mapping[str, LoadedEngine]  # what the front and `/api/models` are told of the engines


def load(settings: Settings) -> Computer:
    """Choose the engines, load them and make them ready.

    Raises:
        WeightsError: weights are absent or cannot be loaded, or full-size ones would meet a CPU.
    """
    chosen = chosen_engines(settings.engines, settings.defaults(), EnginePack(settings.model_dir))
    if chosen.left_out:
        log.info("engines left out: name them in ENGINES to have them", extra={"engines": chosen.left_out})
    if settings.device == "auto":
        insist_on_a_gpu_for_full_size(chosen.packs)
    device = open_device(settings.device, settings.dtype, device_config(settings))
    if settings.compile:
        set_up_compiling(settings.compile_folder(), device.torch_device)
    engines, models = {}, {}
    for name, pack in chosen.packs.items():
        started = time.monotonic()
        engines[name] = Loaded(engine_class(name)(pack.folder, device), pack.defaults(name))
        models[name] = told(name, engines[name], pack, default=name in chosen.defaults.values())
        log.info("engine loaded", extra={"engine": name, "seconds": round(time.monotonic() - started, 3)})
    for width, height in settings.sizes():
        for name, loaded in engines.items():
            for step in warm_up(device, loaded.engine, width, height):
                log.info("warmed up", extra={"size": f"{width}x{height}", "engine": name, **asdict(step)})
    device.memory.measure()
    log.info("memory measured", extra=shares_of(device.memory))
    return Computer(device, engines, models)


def device_config(settings: Settings) -> DeviceConfig:
    return DeviceConfig(
        max_batch_rows=settings.max_batch_rows,
        max_live_jobs=settings.max_live_jobs,
        batching=settings.batching,
        memory_bytes=settings.memory_bytes,
        shares=settings.shares(),
        memory_profile=settings.memory_profile,
        latent_cache_bytes=settings.latent_cache_bytes,
        latent_cache_s=settings.job_ttl_s,
        compiled=settings.compile,
        rasteriser=settings.rasteriser,
    )


def insist_on_a_gpu_for_full_size(packs: Mapping[str, EnginePack]) -> None:
    """Raise `WeightsError` where large weights would silently run on a CPU."""
    if max(pack.bytes_on_disk(name) for name, pack in packs.items()) > _FULL_SIZE_BYTES:
        import torch

        if not torch.cuda.is_available():
            raise WeightsError("no GPU was found for full-size weights; set DEVICE=cpu to insist on the CPU")


def told(name: str, loaded: Loaded, pack: EnginePack, *, default: bool) -> LoadedEngine:
    """What others are told of an engine."""
    choices = loaded.engine.choices()
    return LoadedEngine(
        type=ENGINES[name].type,
        default=default,
        fingerprint=pack.fingerprint_of(name),
        licence=pack.licence_of(name),
        weights_bytes=pack.bytes_on_disk(name),
        demo=pack.manifest.demo,
        untrained=pack.untrained(name),
        defaults=pack.defaults(name),
        variants=list(choices.variants),
        mask_makers=list(choices.mask_makers),
    )


def shares_of(memory: DeviceMemory) -> dict[str, int]:
    """What jobs and forwards may take beside the weights, and jobs of it."""
    return {"memory_bytes": memory.total_bytes, "job_bytes": memory.job_bytes}
