"""The try-on's UNet at its published size: strict loading and one step, against the stock diffusers module."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import load_file
from torch import Generator, Tensor, nn

from bench.plain.stock import tryon_unet
from bench.report import Report, Row, Target
from bench.sd15 import write_pack
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.files import FOLDERS, UNET, attention_file
from model.runtime.device import open_device

MOST_DIFFERENCE = 1e-4
ROWS, CELLS, TIMESTEP = 2, (128, 48), 801  # 384 x 512 with guidance: person above garment, an eighth of the pixels
TURNS = 2
OURS, STOCK = "Atelier", "stock diffusers"
UNLIKE = "stock, own attention"  # must differ: a comparison that cannot fail says nothing

Inputs = tuple[Tensor, Tensor, Tensor]


@dataclass
class Measured:
    """One network. Its weights are memory-mapped, so what loading leaves to be read is read in the first step."""

    load_s: float
    network: nn.Module
    steps_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)  # of both threads, for each step
    prediction: Tensor = field(default_factory=lambda: torch.empty(0))


def main() -> None:
    report = Report(
        name="real_size",
        title="The try-on's UNet at its published size",
        how="Stable Diffusion 1.5 widths with random float32 weights in the published layout. One step of 384 x 512 "
        f"with guidance, latents (2, 9, 128, 48), {torch.get_num_threads()} threads, taking turns. Atelier loads UNet, "
        "autoencoder and the 80 attention tensors strictly; stock diffusers loads the UNet, gets the attention tensors "
        "by their positions and, for attn2, a processor that returns its input; a third network is stock with its own "
        "attention. Files are in the page cache and memory-mapped.",
    )
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        write_pack(Path(folder), seed=0)
        measured = measure(Path(folder))
    stock = measured[STOCK].prediction
    report.rows = [row(name, result, stock) for name, result in measured.items()]
    differs = relative_difference(measured[OURS].prediction, stock)
    report.targets = [Target("largest difference, as a share of the stock maximum", differs, MOST_DIFFERENCE, "")]
    report.publish()


def measure(weights: Path) -> dict[str, Measured]:
    generator = Generator().manual_seed(1)
    latents = torch.randn((ROWS, 4, *CELLS), generator=generator)
    condition = torch.randn((ROWS, 5, *CELLS), generator=generator)
    measured = {name: loaded(load, weights) for name, load in LOADERS.items()}
    for _ in range(TURNS):
        for result in measured.values():
            step(result, (latents, torch.full((ROWS,), TIMESTEP), condition))
    return measured


def loaded(load: Callable[[Path], nn.Module], weights: Path) -> Measured:
    began = time.perf_counter()
    network = load(weights)
    return Measured(time.perf_counter() - began, network)


def step(result: Measured, inputs: Inputs) -> None:
    began, used_s = time.perf_counter(), time.process_time()
    result.prediction = result.network(*inputs)
    result.steps_s.append(time.perf_counter() - began)
    result.cpu_s.append(time.process_time() - used_s)


class Stock(nn.Module):
    """A stock UNet, called as ours is."""

    def __init__(self, weights: Path, attention: Mapping[str, Tensor]) -> None:
        super().__init__()
        folder = weights / FOLDERS["mask"] / UNET
        self.unet = tryon_unet(folder, attention, torch.device("cpu"), torch.float32)

    def forward(self, latents: Tensor, timesteps: Tensor, condition: Tensor) -> Tensor:
        seen = torch.cat([latents, condition], dim=1)
        prediction: Tensor = self.unet(seen, timesteps, encoder_hidden_states=None).sample
        return prediction


LOADERS: dict[str, Callable[[Path], nn.Module]] = {
    OURS: lambda weights: CatVTON(weights, open_device("cpu")).networks["mask"].denoiser.module,
    STOCK: lambda weights: Stock(weights, load_file(attention_file(weights))),
    UNLIKE: lambda weights: Stock(weights, {}),
}


def relative_difference(prediction: Tensor, stock: Tensor) -> float:
    return float((prediction - stock).abs().max() / stock.abs().max())


def row(name: str, result: Measured, stock: Tensor) -> Row:
    return {
        "network": name,
        "load s": result.load_s,
        "step s": median(result.steps_s),
        "CPU s": median(result.cpu_s),
        "UNet weights GB": 4e-9 * sum(tensor.numel() for tensor in result.network.parameters()),
        "difference / maximum": relative_difference(result.prediction, stock),
    }


if __name__ == "__main__":
    main()
