"""The presets behind `quality`: what they cost, and how far they are from the truth and from the best."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import numpy as np

from bench.pairs import PAIRS, Pairs, Quartiles, in_pairs
from bench.report import Report, Row, Target
from model.engine import Engine
from model.engines.catvton.presets import PUBLISHED_STEPS, Quality
from model.engines.catvton.request import Request
from model.engines.pack import EnginePack
from model.engines.registry import engine_class
from model.evaluate.data_set import opened
from model.evaluate.dressing import PlannedTryOn, dress_all
from model.evaluate.judge import areas_of
from model.measures.exact_pair import psnr
from model.measures.similarity import ssim
from model.runtime.device import Device, open_device
from model.runtime.device_config import DeviceConfig
from model.synthetic.datasets.layouts import write_dresscode
from model.synthetic.datasets.records import PLACES, records
from model.train.datasets import Example, read_examples
from model.train.truth_files import truth_files

SEED, OTHER_NOISE = 1001, 1_000_000
AT_ONCE = 4
EVERY = 4  # how many of them are dressed with other noise
MOST_BELOW_DB: Mapping[Quality, float] = {"balanced": 0.3, "fast": 1.0}


@dataclass(frozen=True)
class Setting:
    """How people are dressed, all of them or one in `every`. `steps`: what the weights would take by themselves."""

    quality: Quality
    steps: int
    first_seed: int = 0
    every: int = 1


@dataclass(frozen=True)
class Judged:
    """One result: PSNR in dB and SSIM, against the truth and against what `best` made."""

    garment: float  # in its true region; all else in the mask
    mask: float
    alike: float
    mask_to_best: float
    alike_to_best: float


@dataclass
class Measured:
    """One setting's results, by the person's number."""

    request: Request
    people: dict[int, Judged] = field(default_factory=dict)
    pairs: Pairs | None = None  # against the best

    def mean(self, value: Callable[[Judged], float]) -> float:
        return mean(value(judged) for judged in self.people.values())


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.quality", description=__doc__)
    parser.add_argument("--count", type=int, default=64, help="made-up people, all unseen")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--steps", type=int, default=PUBLISHED_STEPS, help="of the best")
    parser.add_argument("--model-dir", default="demo")
    options = parser.parse_args()
    if options.count <= EVERY:
        parser.error(f"--count must be above {EVERY}: one in {EVERY} is dressed once more, and a spread needs two")
    pack = EnginePack(options.model_dir)
    own_steps = int(pack.defaults("catvton").get("steps", PUBLISHED_STEPS))
    settings = {
        "best": Setting("best", options.steps),
        "best, other noise": Setting("best", options.steps, OTHER_NOISE, EVERY),
        "balanced": Setting("balanced", options.steps),
        "fast": Setting("fast", options.steps),
        "best, the pack's own steps": Setting("best", own_steps),
        "fast, the pack's own steps": Setting("fast", own_steps),
    }
    report = Report(
        name="quality",
        title="The presets behind `quality`",
        how=f"The try-on of `{options.model_dir}` ({pack.fingerprint_of('catvton')[:16]}) with masks, on "
        f"{options.count} made-up people it has never seen, who all come with the truth. `best` takes "
        f"{options.steps} steps, as the "
        f"published weights do; the pack by itself takes {own_steps}. PSNR in dB: in the garment's true region, with "
        "the mean difference from `best` (and its standard error), and in the mask; `from best` is the result against "
        "that of `best` with the same seed, in the mask, and a second `best` with other noise says how much that "
        "means. Seconds of one request, networks loaded: medians (and quartiles of the ratio) of "
        f"{options.pairs} pairs with `best`, taking turns.",
    )
    with tempfile.TemporaryDirectory() as folder:
        examples = people(Path(folder) / "people", options.count)
        measured = measure(pack, settings, examples, Path(folder), options.pairs)
    report.rows = [row(name, result, measured["best"]) for name, result in measured.items()]
    for quality, most in MOST_BELOW_DB.items():
        below = -mean(differences(measured[quality], measured["best"]))
        report.targets.append(Target(f"`{quality}` below `best` in the garment's true region", below, most, "dB"))
    report.publish()


def people(folder: Path, count: int) -> list[Example]:
    """Everybody comes in two garments; one is enough."""
    write_dresscode(folder, "test", records(2 * count, (96, 128), SEED, PLACES))
    return read_examples(folder, "test", "paired")[::2]


def measure(
    pack: EnginePack, settings: Mapping[str, Setting], examples: Sequence[Example], folder: Path, pairs: int
) -> dict[str, Measured]:
    device = open_device("cpu", config=DeviceConfig(max_batch_rows=2 * AT_ONCE, max_live_jobs=AT_ONCE))
    engine = engine_class("catvton")(pack.folder, device)
    measured: dict[str, Measured] = {}
    with asyncio.Runner() as runner:
        for name, setting in settings.items():
            dressed = {i: examples[i] for i in range(0, len(examples), setting.every)}
            tasks = [task(pack, setting, example, i, folder / name) for i, example in dressed.items()]
            runner.run(dress_all(engine, device, tasks, AT_ONCE, lambda: None))
            measured[name] = Measured(tasks[0].request)
            for i, one in zip(dressed, tasks, strict=True):
                measured[name].people[i] = judged(one, examples[i], folder / "best")
        for quality in MOST_BELOW_DB:
            best, preset = (
                alone(runner, engine, device, task(pack, settings[name], examples[0], 0, folder / "timed"))
                for name in ("best", quality)
            )
            measured[quality].pairs = in_pairs(best, preset, pairs)
    device.close()
    return measured


def task(pack: EnginePack, setting: Setting, example: Example, i: int, results: Path) -> PlannedTryOn:
    body = {
        **{"person": str(example.person), "garment": str(example.garment), "mask": str(example.mask)},
        **{"category": truth_files(example).category, "variant": "mask"},
        **{"quality": setting.quality, "seed": setting.first_seed + i},
    }
    defaults: dict[str, Any] = {**pack.defaults("catvton"), "steps": setting.steps}
    return PlannedTryOn(Request.model_validate(body, context=defaults), (results / example.name).with_suffix(".png"))


def alone(runner: asyncio.Runner, engine: Engine, device: Device, task: PlannedTryOn) -> Callable[[], object]:
    """The whole request, from files to a file, with the device to itself."""
    return lambda: runner.run(dress_all(engine, device, [task], 1, lambda: None))


def judged(task: PlannedTryOn, example: Example, best: Path) -> Judged:
    """How near one result is to the truth, and to that in `best`."""
    result, truth = opened(task.result), opened(example.person)
    best_result = opened((best / example.name).with_suffix(".png"))
    region = truth_files(example).region(truth.size)
    if region is None:
        raise ValueError(f"{example.person} does not say where its garment is")
    areas = areas_of(opened(example.mask), region, truth.size)
    seen, true, at_best = (np.asarray(picture) for picture in (result, truth, best_result))
    return Judged(
        garment=psnr(seen, true, areas.garment),
        mask=psnr(seen, true, areas.mask),
        alike=ssim(result, truth, areas.mask),
        mask_to_best=psnr(seen, at_best, areas.mask),
        alike_to_best=ssim(result, best_result, areas.mask),
    )


def differences(measured: Measured, best: Measured) -> list[float]:
    """dB in the garment's true region, person by person: below 0 it is farther from the truth than `best`."""
    return [judged.garment - best.people[i].garment for i, judged in measured.people.items()]


def row(name: str, measured: Measured, best: Measured) -> Row:
    taken, off = measured.pairs, differences(measured, best)
    is_best = measured is best
    return {
        "quality": name,
        "walk": f"{measured.request.steps} x {measured.request.solver}",
        "people": len(measured.people),
        "garment": f"{measured.mean(lambda one: one.garment):.2f}",
        "from best's": "" if is_best else f"{mean(off):+.2f} ({stdev(off) / len(off) ** 0.5:.2f})",
        "mask": f"{measured.mean(lambda one: one.mask):.2f}",
        "SSIM": f"{measured.mean(lambda one: one.alike):.3f}",
        "from best, dB": "" if is_best else f"{measured.mean(lambda one: one.mask_to_best):.2f}",
        "from best, SSIM": "" if is_best else f"{measured.mean(lambda one: one.alike_to_best):.3f}",
        "seconds": "" if taken is None else f"{median(taken.ours_s):.2f}",
        "CPU s": "" if taken is None else f"{median(taken.ours_cpu_s):.2f}",
        "best's": "" if taken is None else f"{median(taken.plain_s):.2f}",
        "times as fast": "" if taken is None else str(Quartiles.of(taken.ratios)),
        "by CPU": "" if taken is None else str(Quartiles.of(taken.cpu_ratios)),
    }


if __name__ == "__main__":
    main()
