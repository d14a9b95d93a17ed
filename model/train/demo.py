"""The demo pack's try-on from nothing, by one command: `python -m model.train.demo --work DIR --out PACK`.

People are made up; an autoencoder is trained on them, then the try-on with masks and, from that, the one without. What
is already in `--work` is not made again, and an interrupted training goes on where it was.
"""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from model.engines.catvton.request import Variant
from model.errors import EngineError
from model.synthetic.datasets.layouts import write_dresscode
from model.synthetic.datasets.records import PLACES, records
from model.train.loop import train
from model.train.settings import Training

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Plan:
    """How large and how long. Minutes are of training; encoding the data set comes on top."""

    width: int
    height: int
    people: int  # examples, half as many people times paintings
    paintings: int
    autoencoder_minutes: float
    tryon_minutes: float
    maskfree_minutes: float
    batch_size: int
    seed: int = 9


# Two CPU cores, an evening; one large GPU, less than an hour.
PLANS = {
    "cpu": Plan(96, 128, 24_000, 4, autoencoder_minutes=10, tryon_minutes=140, maskfree_minutes=110, batch_size=16),
    "gpu": Plan(192, 256, 80_000, 4, autoencoder_minutes=5, tryon_minutes=20, maskfree_minutes=10, batch_size=128),
}


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("model").setLevel(logging.INFO)
    try:
        make(PLANS[arguments.plan], arguments.work, arguments.out, arguments.processes)
    except EngineError as error:
        sys.stderr.write(f"error: {error.message} ({error.code})\n")
        return 1
    return 0


def make(plan: Plan, work: Path, out: Path, processes: int) -> None:
    """Everything, one after the other; see the top of this file."""
    people, start = work / "people", work / "start"
    if not (people / ".complete").is_file():
        size = plan.width, plan.height
        made = records(plan.people, size, plan.seed, PLACES, plan.paintings, processes)
        write_dresscode(people, "train", tqdm(made, total=plan.people, unit="picture"))
        (people / ".complete").touch()
    train(autoencoder(plan, people, start))
    train(tryon(plan, people, start, out, "mask"))
    train(tryon(plan, people, out, out, "maskfree"))


def autoencoder(plan: Plan, people: Path, out: Path) -> Training:
    """Factor 4, 12 channels, started as the best linear code."""
    return _training(
        plan,
        people,
        out,
        what="autoencoder",
        vae=str(RECIPES / "autoencoder.json"),
        linear_start=True,
        max_minutes=plan.autoencoder_minutes,
        batch_size=4,
        learning_rate=2e-3,
        warmup_steps=100,
        weight_decay=0,
        ema=0.99,
        kl=1e-5,
        mae=0,
        mse=1,
        edges=0.02,
    )


def tryon(plan: Plan, people: Path, start: Path, out: Path, variant: Variant) -> Training:
    """With masks from nothing, without from that.

    It predicts v, from which the clean picture follows without division by what little signal noisy steps have; noisy
    steps, which decide colours and shape, come more often; what lies outside the mask counts little.
    """
    new = variant == "mask"
    return _training(
        plan,
        people,
        out,
        what="tryon",
        variant=variant,
        trainable="all",
        start=start,
        unet=str(RECIPES / "unet.json") if new else None,
        prediction_type="v_prediction",
        latents=out.with_name(f"latents-{variant}"),
        max_minutes=plan.tryon_minutes if new else plan.maskfree_minutes,
        batch_size=plan.batch_size,
        learning_rate=1e-3 if new else 5e-4,
        warmup_steps=200,
        ema=0.998 if new else 0.995,
        dream=None,
        loss_outside=0.1 if new else 0.2,  # without a mask, all of the picture is shown
        timestep_power=1.5 if new else 2,
        sampling_steps=2,
        guidance=1.2,
    )


def _training(plan: Plan, people: Path, out: Path, **settings: object) -> Training:
    """What all of them share."""
    shared: dict[str, object] = {
        "data": (people,),
        "width": plan.width,
        "height": plan.height,
        "out": out,
        "schedule": "linear",
        "mixed_precision": "bf16",
        "seed": plan.seed,
        "checkpoints": out.with_name(f"checkpoints-{settings['what']}-{settings.get('variant', '')}"),
    }
    return Training.model_validate(shared | settings)


def _arguments(argv: list[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m model.train.demo", description="Train the demo pack's try-on.")
    parser.add_argument("--plan", choices=PLANS, default="cpu", help="[cpu] how large and how long")
    parser.add_argument(
        "--work", type=Path, required=True, metavar="DIR", help="for the data set, latents, checkpoints"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="PACK", help="the MODEL_DIR that is written")
    parser.add_argument("--processes", type=int, default=2, help="[2] that make people side by side")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
