"""The device and the engines on it, as a worker's settings want them."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch

from container.chosen_engines import FULL_SIZE_BYTES, chosen_engines, refuse_full_size_without_a_gpu
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

_GARMENT_BYTES = 320 * 2**20  # its keys and values at 768 x 1024 in 16 bits, with guidance: 277 MB

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
        refuse_full_size_without_a_gpu(chosen.packs, has_gpu=torch.cuda.is_available())
    garment_cache = garment_cache_bytes(settings, chosen.packs.get("ootdiffusion"))
    device = opened_device(settings, garment_cache)
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


def garment_cache_bytes(settings: Settings, pack: EnginePack | None) -> int:
    """What garments that OOTDiffusion has seen may take: as set, else enough for one at its own size."""
    if pack is None or (settings.garment_cache_bytes is None and settings.memory_profile == "low"):
        return 0
    if settings.garment_cache_bytes is not None:
        return settings.garment_cache_bytes
    full_size = pack.bytes_on_disk("ootdiffusion") > FULL_SIZE_BYTES
    return _GARMENT_BYTES if full_size else settings.latent_cache_bytes


def device_config(settings: Settings, garment_cache_bytes: int = 0) -> DeviceConfig:
    return DeviceConfig(
        max_batch_rows=settings.max_batch_rows,
        max_live_jobs=settings.max_live_jobs,
        batching=settings.batching,
        memory_bytes=settings.memory_bytes,
        shares=settings.shares(),
        memory_profile=settings.memory_profile,
        latent_cache_bytes=settings.latent_cache_bytes,
        garment_cache_bytes=garment_cache_bytes,
        latent_cache_s=settings.job_ttl_s,
        compiled=settings.compile,
        rasteriser=settings.rasteriser,
    )


def opened_device(settings: Settings, garment_cache_bytes: int) -> Device:
    """The device, tried.

    Raises:
        WeightsError: this torch cannot use it.
    """
    device = open_device(settings.device, settings.dtype, device_config(settings, garment_cache_bytes))
    try:
        torch.zeros(1, device=device.torch_device)
    except (AssertionError, RuntimeError) as error:  # a build without CUDA asserts
        reason = str(error).strip().splitlines()[0]
        raise WeightsError(f"DEVICE={settings.device} cannot be used: {reason}") from error
    return device


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
