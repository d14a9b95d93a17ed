"""From starting the process to the first 200 of `/ping`, and how fast weights are there, against diffusers' own way."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file
from torch import nn

from bench.apps import START_S
from bench.pairs import PAIRS, Quartiles, in_pairs
from bench.plain.stock import by_name
from bench.report import Report, Row, Target
from bench.sd15 import write_pack
from container.worker_process import worker_environment
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.files import FOLDERS, UNET, VAE, attention_file
from model.engines.pack import EnginePack
from model.runtime.device import Device, open_device
from tests.server import ROOT, Server

RUNS = 5
MOST_REST_S = 5
# What each process imports until it is ready. The worker is started when the front has imported its own.
IMPORTS = {
    "front imports": "import container.__main__, container.serve",
    "worker imports": "import container.__main__, container.worker, model.engines.catvton.engine",
}
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
LOADING = (
    " Weights: the engine is built, then every weight is read once; {pairs} pairs in turns, beside libraries that are "
    "imported already. from_pretrained is stock diffusers on the same files."
)
WARM, LOADED, STOCK = "start with WARM_SIZES", "weights, Atelier", "weights, from_pretrained"


def main() -> None:
    options = parsed()
    report = Report(
        name="start_real" if options.real else "start",
        title="From process start to /ping 200",
        how=f"`python -m container serve`, pack: {'random weights, published sizes' if options.real else 'demo'}, "
        f"{options.runs} times, each after `python -c 'import ...'` of the same imports. The rest is what is left of "
        "the start without both. All files are in the page cache: how fast a disk is, this does not say."
        + (LOADING.format(pairs=options.pairs) if options.real else ""),
        device=options.device,
    )
    with pack_folder(options.real) as folder:
        settings = {"MODEL_DIR": folder, "ENGINES": "catvton", "DEVICE": options.device, **ENVIRONMENT}
        taken = starts(settings, options)
        report.rows = [row(name, seconds) for name, seconds in taken.items()]
        if options.real:
            report.rows += loads(folder, options)
    report.targets = [Target("the rest, median", median(taken["rest"]), MOST_REST_S, "s")]
    report.publish()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.start", description=__doc__)
    parser.add_argument("--real", action="store_true", help="4 GB of random weights of the published sizes")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--warm-sizes", help="also measure starts with this value of WARM_SIZES")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    return parser.parse_args()


@contextmanager
def pack_folder(real: bool) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        if real:
            write_pack(Path(folder), seed=0)
        yield Path(folder) if real else EnginePack("demo").folder


def starts(settings: dict[str, Any], options: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of each part of each start."""
    taken: dict[str, list[float]] = {name: [] for name in (*IMPORTS, "start")}
    for run in range(options.runs + 1):
        for name, seconds in one_run(settings).items():
            if run:  # the first brings the files into memory
                taken[name].append(seconds)
    taken["rest"] = [
        total - front - worker
        for front, worker, total in zip(*(taken[name] for name in (*IMPORTS, "start")), strict=True)
    ]
    if options.warm_sizes:
        warm = settings | {"WARM_SIZES": options.warm_sizes}
        taken[f"{WARM}={options.warm_sizes}"] = [start_s(warm) for _ in range(options.runs)]
    return taken


def one_run(settings: dict[str, Any]) -> dict[str, float]:
    """Seconds of each import and of the start."""
    return {name: import_s(statement) for name, statement in IMPORTS.items()} | {"start": start_s(settings)}


def import_s(statement: str) -> float:
    """In a server's environment, and without taking the interpreter down, which costs torch more than a second."""
    environment = worker_environment({**os.environ, **ENVIRONMENT}, settings=())
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", f"{statement}; import os; os._exit(0)"], cwd=ROOT, env=environment, check=True
    )
    return time.perf_counter() - began


def start_s(settings: dict[str, Any]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        server = Server(Path(folder), module="container", **settings)
        try:
            server.wait_ready(START_S)
            return time.perf_counter() - began
        finally:
            server.close()


def loads(folder: Path, options: argparse.Namespace) -> list[Row]:
    """Both ways to have the mask variant's weights on the device."""
    device = open_device(options.device)
    try:
        pairs = in_pairs(
            lambda: read_once(stock(folder, device)), lambda: read_once(ours(folder, device)), options.pairs
        )
    finally:
        device.close()
    gigabytes = 1e-9 * sum(file.stat().st_size for file in (folder / FOLDERS["mask"]).rglob("*.safetensors"))
    rows = [row(STOCK, pairs.plain_s), row(LOADED, pairs.ours_s)]
    rows[1]["against from_pretrained"] = str(Quartiles.of(pairs.ratios))
    return [row | {"GB/s": f"{gigabytes / float(row['median s']):.3g}"} for row in rows]


def ours(folder: Path, device: Device) -> list[nn.Module]:
    networks = CatVTON(folder, device).networks["mask"]
    return [network.module for network in (networks.denoiser, networks.encoder, networks.decoder)]


def stock(folder: Path, device: Device) -> list[nn.Module]:
    where = folder / FOLDERS["mask"]
    unet, vae = (
        kind.from_pretrained(where / name, torch_dtype=device.dtype, local_files_only=True).to(device.torch_device)
        for kind, name in ((UNet2DConditionModel, UNET), (AutoencoderKL, VAE))
    )
    unet.load_state_dict(by_name(load_file(attention_file(folder)), unet), strict=False)
    return [unet, vae]


@torch.no_grad()
def read_once(networks: Sequence[nn.Module]) -> float:
    """A sum over all weights: those that are pages of a file are read for it."""
    return sum(float(weight.sum()) for network in networks for weight in network.parameters())


def row(name: str, seconds: list[float]) -> Row:
    return {
        "part": name,
        "median s": median(seconds),
        "least s": min(seconds),
        "most s": max(seconds),
        "GB/s": "",
        "against from_pretrained": "",
    }


if __name__ == "__main__":
    main()
