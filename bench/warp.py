"""The warping try-on on unseen made-up people: `python -m bench.warp --model-dir DIR --data DIR`.

Everybody is dressed three times: in the garment they wear, as the diffusion pack's report has it; from a photo in
another garment, as users do; and that without a mask. Label maps are always the pack's own networks'.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from model.engine import Engine, Job
from model.engines.pack import EnginePack
from model.engines.registry import engine_class, request_class
from model.evaluate.data_set import judge_test_set
from model.evaluate.judge import Judge
from model.evaluate.scores import MEASURES, Scores
from model.evaluate.truth_files import truth_files
from model.runtime.device import Device, open_device
from model.synthetic.datasets.layouts import write_dresscode
from model.synthetic.datasets.records import PLACES, records
from model.train.datasets import Example, read_examples

SEED = 1001
SHOWN = ("psnr_mask", "psnr_garment", "psnr_garment_patterned", "colour_error", "retrieval", "ssim")
Inputs = Callable[[Example], Mapping[str, Path]]


def worn(example: Example) -> Mapping[str, Path]:
    """The person in the garment that is put on."""
    return {"person": example.person, "mask": example.mask}


def other(example: Example) -> Mapping[str, Path]:
    """The same person in another garment, with the mask of that photo: examples come in twos."""
    number, _, rest = example.mask.name.partition("_")
    twin = f"{int(number) ^ 1:06d}_{rest}"
    return {"person": example.other, "mask": example.mask.with_name(twin)}


def unmasked(example: Example) -> Mapping[str, Path]:
    """The same person in another garment, and nothing else."""
    return {"person": example.other}


PROTOCOLS: Mapping[str, Inputs] = {
    "paired": worn,
    "from a photo in another garment": other,
    "the same, automatic masks": unmasked,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.warp", description=__doc__)
    parser.add_argument("--model-dir", default="demo")
    parser.add_argument(
        "--data", type=Path, required=True, help="test set in DressCode's layout; made if it is not there"
    )
    parser.add_argument("--size", default="96x128", help="of the test set, if it is made, and of what is dressed")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--out", type=Path, help="where the table goes, beside printing it")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    if not options.data.is_dir():
        write_dresscode(options.data, "test", records(2 * options.people, (width, height), SEED, PLACES))
    examples = [example for example in read_examples(options.data, "test") if _first_of_two(example)]
    text = asyncio.run(_measured(EnginePack(options.model_dir), examples[: options.people], (width, height)))
    print(text)
    if options.out is not None:
        options.out.write_text(text)


def _first_of_two(example: Example) -> bool:
    return int(example.person.stem.partition("_")[0]) % 2 == 0


async def _measured(pack: EnginePack, examples: Sequence[Example], size: tuple[int, int]) -> str:
    torch.set_num_threads(1)
    device = open_device("cpu")
    engine = engine_class("warp")(pack.folder, device)
    scores = {}
    for name, inputs in PROTOCOLS.items():
        with tempfile.TemporaryDirectory() as folder:
            results = {}
            for example in examples:
                results[example.name] = await _dressed(engine, device, example, inputs(example), size, Path(folder))
            scores[name] = Scores()
            for _ in judge_test_set(Judge(scores[name]), results, examples, "paired"):
                pass
    device.close()
    return _table(pack, scores, size)


async def _dressed(
    engine: Engine, device: Device, example: Example, inputs: Mapping[str, Path], size: tuple[int, int], folder: Path
) -> Path:
    files = {**inputs, "garment": example.garment}
    body: dict[str, Any] = {name: str(file) for name, file in files.items()}
    body |= {"category": truth_files(example).category, "width": size[0], "height": size[1]}
    request = request_class("warp").model_validate(body)
    outputs = folder / example.person.stem
    outputs.mkdir()
    async with device.live(engine.name, engine.resident_bytes(request)):
        await engine.run(request, Job(dict(files), outputs))
    return outputs / "result.png"


def _table(pack: EnginePack, scores: Mapping[str, Scores], size: tuple[int, int]) -> str:
    paired = scores["paired"].measured()
    head = f"| over {paired['psnr_mask']['result']['n']}, {size[0]} x {size[1]} | " + " | ".join(
        MEASURES[name].label for name in SHOWN
    )
    lines = [head + " |", "| --- " + "| ---: " * len(SHOWN) + "|"]
    baselines = [(column, paired, column) for column in ("mask filled", "silhouette filled")]
    rows = [*baselines, *((name, one.measured(), "result") for name, one in scores.items())]
    for name, measures, column in rows:
        cells = [
            f"{measures[shown][column]['mean']:.{MEASURES[shown].digits}f}" if column in measures[shown] else ""
            for shown in SHOWN
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return f"weights {pack.fingerprint_of('warp')[:16]}\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
