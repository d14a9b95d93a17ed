"""The warping try-on learns eight pairs by heart: `python -m bench.warp_overfit --data DIR`.

What a network and its losses must at least be able to. Eight made-up people, each seen in one garment and dressed in
another of the same kind, exact labels, the bare body's map, no variation; measured on the same eight by the measures
that validate a training. It ends as soon as both targets are met at a measurement.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from bench.report import Report, Row, Target
from model.engines.warp.inputs import HEIGHT, WIDTH
from model.engines.warp.network import WarpNetwork, composed
from model.train.warp.held_out import DressedBatch, measured
from model.train.warp.losses import losses
from model.train.warp.people import People, kept_people
from model.train.warp.samples import sample
from model.train.warp.settings import WarpTraining
from model.train.warp.source import WarpBatch, tensors

PAIRS, SEED = 8, 17
LEAST: Mapping[str, float] = {"region_iou": 0.9, "ssim": 0.95}
RATE, WARM_UP, CLIP = 2.5e-3, 20, 20.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.warp_overfit", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="where the people are kept; made if they are not there"
    )
    parser.add_argument("--max-minutes", type=float, default=8.0)
    parser.add_argument("--every", type=int, default=50, help="steps between measurements")
    options = parser.parse_args()
    report = Report(
        "warp_overfit",
        "The warping try-on learns eight pairs by heart",
        f"{PAIRS} pairs of {WIDTH} x {HEIGHT}, a batch of all of them, {torch.get_num_threads()} thread(s), bfloat16; "
        "SSIM and PSNR of the whole picture, region IoU within the mask, on the pairs that are learned.",
    )
    (people,) = kept_people(options.data, PAIRS, SEED, (WIDTH, HEIGHT))
    report.rows = _learned(people, options.max_minutes, options.every)
    last = report.rows[-1]
    report.targets = [Target(name, float(last[name]), least, "", at_least=True) for name, least in LEAST.items()]
    report.publish()


def _learned(people: People, minutes: float, every: int) -> list[Row]:
    """A row a measurement."""
    torch.manual_seed(SEED)
    settings = WarpTraining(data=Path("unused"), out=Path("unused"))
    batch = tensors([sample(people, i, 0, 1, 0, body="bare", found=False) for i in range(PAIRS)])
    network = WarpNetwork()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), RATE, (0.9, settings.beta2))
    rows, step, started = [_row(network, batch, 0, 0.0)], 0, time.monotonic()
    while (spent := time.monotonic() - started) < 60 * minutes:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / WARM_UP) * (1 - 0.9 * spent / (60 * minutes))
        with torch.autocast("cpu", torch.bfloat16):
            fields = network(*batch.seen)
        optimizer.zero_grad()
        losses(fields, batch, settings).total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        step += 1
        if step % every == 0:
            rows.append(_row(network, batch, step, time.monotonic() - started))
            if all(float(rows[-1][name]) > least for name, least in LEAST.items()):
                break
    return rows


@torch.no_grad()
def _row(network: WarpNetwork, batch: WarpBatch, step: int, seconds: float) -> Row:
    fields = network.eval()(*batch.seen)
    network.train()
    result = composed(fields, batch.photo, batch.hole, batch.mask, batch.seen.garment)
    region = torch.sigmoid(fields.logits) * batch.mask
    found = measured([DressedBatch(result, batch.truth, region, batch.cover * batch.mask)])
    print(step, round(seconds), found, flush=True)
    return {"steps": step, "minutes": seconds / 60, **found}


if __name__ == "__main__":
    main()
