"""What an evaluation needs a pack for: dressing everybody of a test set, and finding their masks."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from model.command import loaded_pack
from model.engines.catvton.files import variants
from model.engines.catvton.request import Request
from model.engines.pack import EnginePack
from model.engines.registry import engine_class
from model.evaluate.automasks import judge_automasks
from model.evaluate.dressing import PlannedTryOn, dress_all
from model.evaluate.scores import Scores
from model.runtime.device import open_device
from model.runtime.device_config import DeviceConfig
from model.train.datasets import Example, Pairing
from model.train.truth_files import truth_files

_REQUEST_FIELDS = ("width", "height", "quality", "solver", "steps", "guidance", "eta", "variant")


def compute(
    arguments: Namespace, examples: Sequence[Example], results: Mapping[str, Path], pairing: Pairing, scores: Scores
) -> dict[str, object]:
    """Dress everybody, and find masks, as far as wished for; returns the settings."""
    pack = loaded_pack(arguments, "catvton")
    config = DeviceConfig(
        max_batch_rows=2 * arguments.at_once,  # guidance takes two rows
        max_live_jobs=arguments.at_once,
    )
    device = open_device(arguments.device, arguments.dtype, config)
    tasks = [_task(arguments, pack, i, example, results, pairing) for i, example in enumerate(examples)]

    async def run() -> None:
        if arguments.results is None:
            engine = engine_class("catvton")(pack.folder, device)
            with tqdm(total=len(tasks), desc="dress", unit="picture") as bar:
                await dress_all(engine, device, tasks, arguments.at_once, bar.update)
        if arguments.automasks:
            with tqdm(total=len(examples), desc="masks", unit="picture") as bar:
                await judge_automasks(pack.folder, device, examples, scores, bar.update)

    try:
        asyncio.run(run())
    finally:
        device.close()
    settings = tasks[0].request.model_dump(include={*_REQUEST_FIELDS, "seed", "repaint"})
    return {"weights": pack.fingerprint_of("catvton")[:16]} | (settings if arguments.results is None else {})


def _task(
    arguments: Namespace, pack: EnginePack, i: int, example: Example, results: Mapping[str, Path], pairing: Pairing
) -> PlannedTryOn:
    """The request for one example.

    Without masks the person comes in other clothes if the data set has such a photo: it would else be given the truth.
    """
    given = {name: value for name in _REQUEST_FIELDS if (value := getattr(arguments, name)) is not None}
    variant = arguments.variant or variants(pack.folder)[0]
    body: dict[str, object] = {"person": str(example.person), "garment": str(example.garment), "variant": variant}
    if variant == "mask":
        if example.mask.is_file():
            body["mask"] = str(example.mask)
    elif pairing == "paired" and example.other.is_file():
        body["person"] = str(example.other)
    body |= {"category": truth_files(example).category, "seed": (arguments.seed + i) % 2**32}
    body |= given | {"repaint": not arguments.no_repaint, "crop": "centre"}  # what the truth is compared in
    return PlannedTryOn(Request.model_validate(body, context=pack.defaults("catvton")), results[example.name])
