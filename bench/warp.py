"""The warping try-on on unseen made-up people: `python -m bench.warp --model-dir DIR --data DIR`.

Everybody is dressed three times: in the garment they wear, as the diffusion pack's report has it; from a photo in
another garment, as users do; and that without a mask. Label maps are always the pack's own networks'.

Beside the measures of `python -m model evaluate`, what the eye agrees with: how well the region that changed colour is
that of the garment (IoU), and how much of the truth's gradient is left within it and along its outline. And what must
be kept: how many of the pixels that are farther than 3 (of a height of 512) from both the old garment and the new one
changed all the same.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.warp_people import SEED, SORTS
from model.contact_sheet import contact_sheet
from model.engine import Engine, Job
from model.engines.pack import EnginePack
from model.engines.registry import engine_class, request_class
from model.evaluate.data_set import judge_test_set
from model.evaluate.judge import Judge
from model.evaluate.scores import MEASURES, Scores
from model.runtime.device import Device, open_device
from model.synthetic.datasets.layouts import write_dresscode
from model.synthetic.datasets.records import PLACES, records
from model.train.datasets import Example, read_examples
from model.train.truth_files import read_labels, truth_files

_NEAR = 3 / 512  # of the height: pixels as near to a garment may change
LOOKS = ("region's IoU", "gradient within, % of the truth's", "gradient along the outline, %", "else changed, %")
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
    parser.add_argument("--sheet", type=Path, help="where a picture of the ten worst goes")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    if not options.data.is_dir():
        write_dresscode(options.data, "test", records(2 * options.people, (width, height), SEED, PLACES))
    examples = [example for example in read_examples(options.data, "test") if _first_of_two(example)]
    text = asyncio.run(
        _measured(EnginePack(options.model_dir), examples[: options.people], (width, height), options.sheet)
    )
    print(text)
    if options.out is not None:
        options.out.write_text(text)


def _first_of_two(example: Example) -> bool:
    return int(example.person.stem.partition("_")[0]) % 2 == 0


async def _measured(pack: EnginePack, examples: Sequence[Example], size: tuple[int, int], sheet: Path | None) -> str:
    torch.set_num_threads(1)
    device = open_device("cpu")
    engine = engine_class("warp")(pack.folder, device)
    scores: dict[str, Scores] = {}
    seen: dict[str, dict[str, Look]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, inputs in PROTOCOLS.items():
            results, looks = {}, {}
            outputs = Path(folder, str(len(scores)))
            for example in examples:
                result = await _dressed(engine, device, example, inputs(example), size, outputs)
                before = inputs(example)["person"]
                results[example.name], looks[example.name] = result, look(result, example, size, before)
            scores[name], seen[name] = Scores(), looks
            for _ in judge_test_set(Judge(scores[name]), results, examples, "paired"):
                pass
        if sheet is not None:
            _worst(examples, results, scores[name], size).save(sheet)
    device.close()
    return _table(pack, scores, seen, size) + _by_sort(examples, scores, seen)


class Look(NamedTuple):
    """iou: of the region with the garment's true one. inside, outline: the result's gradient, as a share of the
    truth's, in its inside and along its outline. beyond: the share that changed of what neither garment is near."""

    iou: float
    inside: float
    outline: float
    beyond: float


def look(result: Path, example: Example, size: tuple[int, int], before: Path) -> Look:
    """What the eye agrees with; see above."""
    garment = truth_files(example).region(size)
    assert garment is not None
    with Image.open(result) as opened, Image.open(example.person) as photo:
        shown, truth = (gradient(picture.convert("RGB").resize(size)) for picture in (opened, photo))
    with Image.open(result.with_name("warped.png")) as warped:
        region = np.asarray(warped.getchannel("A").resize(size)) > 127
    true = garment.astype(np.uint8)
    width = 2 * max(1, round(size[1] / 128)) + 1
    kernel = np.ones((width, width), np.uint8)
    grown, shrunk = cv2.dilate(true, kernel) > 0, cv2.erode(true, kernel) > 0
    inside, outline = (shown[area].sum() / max(truth[area].sum(), 1e-6) for area in (shrunk, grown & ~shrunk))
    iou = (region & garment).sum() / max((region | garment).sum(), 1)
    return Look(iou, float(inside), float(outline), _beyond(result, before, garment, example, size))


def _beyond(result: Path, before: Path, garment: NDArray[np.bool_], example: Example, size: tuple[int, int]) -> float:
    """How much changed of what is far from the garment that was worn and the one that is."""
    old = garment if before == example.person else _worn_before(example, size)
    near = 2 * max(1, round(_NEAR * size[1])) + 1
    either = cv2.dilate((garment | old).astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (near, near)))
    with Image.open(result) as shown, Image.open(before) as photo:
        changed = (np.asarray(shown.convert("RGB")) != np.asarray(photo.convert("RGB"))).any(-1)
    far = np.asarray(cv2.resize(either, changed.shape[::-1], interpolation=cv2.INTER_NEAREST)) == 0
    return float((changed & far).sum() / max(far.sum(), 1))


def _worn_before(example: Example, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Where the photo in another garment shows that: the region of the twin."""
    seen = truth_files(example).seen
    twin = seen.with_name(f"{int(seen.stem) ^ 1:06d}{seen.suffix}")
    return np.asarray(read_labels(twin, size) > 0)


def gradient(picture: Image.Image) -> NDArray[np.float64]:
    """(H, W): how fast the grey level changes."""
    down, across = np.gradient(np.asarray(picture.convert("L"), np.float64))
    return np.asarray(np.hypot(down, across), np.float64)


async def _dressed(
    engine: Engine, device: Device, example: Example, inputs: Mapping[str, Path], size: tuple[int, int], folder: Path
) -> Path:
    files = {**inputs, "garment": example.garment}
    body: dict[str, Any] = {name: str(file) for name, file in files.items()}
    body |= {"category": truth_files(example).category, "width": size[0], "height": size[1]}
    body["return_warped"] = True
    request = request_class("warp").model_validate(body)
    outputs = folder / example.person.stem
    outputs.mkdir(parents=True)
    async with device.live(engine.name, engine.resident_bytes(request)):
        await engine.run(request, Job(dict(files), outputs))
    return outputs / "result.png"


def _table(
    pack: EnginePack, scores: Mapping[str, Scores], seen: Mapping[str, Mapping[str, Look]], size: tuple[int, int]
) -> str:
    paired = scores["paired"].measured()
    columns = [*(MEASURES[name].label for name in SHOWN), *LOOKS]
    head = f"| over {paired['psnr_mask']['result']['n']}, {size[0]} x {size[1]} | " + " | ".join(columns)
    lines = [head + " |", "| --- " + "| ---: " * len(columns) + "|"]
    nothing: list[str] = []
    baselines = [(column, paired, column, nothing) for column in ("mask filled", "silhouette filled")]
    rows = [(name, one.measured(), "result", _means(seen[name].values())) for name, one in scores.items()]
    for name, measures, column, looks in [*baselines, *rows]:
        cells = [
            f"{measures[shown][column]['mean']:.{MEASURES[shown].digits}f}" if column in measures.get(shown, {}) else ""
            for shown in SHOWN
        ]
        lines.append(f"| {name} | {' | '.join([*cells, *(looks or [''] * len(LOOKS))])} |")
    return f"weights {pack.fingerprint_of('warp')[:16]}\n\n" + "\n".join(lines) + "\n"


def _means(looks: Iterable[Look]) -> list[str]:
    iou, inside, outline, beyond = np.mean(list(looks), 0)
    return [f"{iou:.3f}", f"{100 * inside:.0f}", f"{100 * outline:.0f}", f"{100 * beyond:.2f}"]


def _by_sort(examples: Sequence[Example], scores: Mapping[str, Scores], seen: Mapping[str, Mapping[str, Look]]) -> str:
    """PSNR over the mask, garments found and looks: by kind of garment, view and pose."""
    lines = []
    for protocol, one in scores.items():
        columns = " | ".join(["PSNR in the mask, dB", "found among 12, %", *LOOKS])
        lines += [f"\n| {protocol} | {columns} |", "| --- " + "| ---: " * (2 + len(LOOKS)) + "|"]
        for sort in SORTS.values():
            names: dict[str, list[str]] = {}
            for example in examples:
                names.setdefault(sort(example), []).append(example.name)
            for group, members in sorted(names.items(), key=lambda named: -len(named[1])):
                psnr = np.mean([_of(one, name) for name in members])
                found = 100 * np.mean([one.pictures[name]["retrieval"] for name in members])
                looks = _means(seen[protocol][name] for name in members)
                lines.append(f"| {group} ({len(members)}) | {psnr:.2f} | {found:.1f} | {' | '.join(looks)} |")
    return "\n".join(lines) + "\n"


def _of(scores: Scores, name: str) -> float:
    """PSNR over the mask of one result."""
    return scores.pictures[name]["psnr_mask"]


def _worst(
    examples: Sequence[Example], results: Mapping[str, Path], scores: Scores, size: tuple[int, int]
) -> Image.Image:
    """The ten that are worst over the mask: the photo, the garment, the result and the truth."""
    worst = sorted(examples, key=lambda example: _of(scores, example.name))[:10]
    files = [(example.other, example.garment, results[example.name], example.person) for example in worst]
    columns = [[Image.open(file).convert("RGB").resize(size) for file in column] for column in files]
    labels = [f"{_of(scores, example.name):.1f} dB" for example in worst]
    return contact_sheet(columns, labels, ["photo", "garment", "result", "truth"], cell=(150, 200))


if __name__ == "__main__":
    main()
