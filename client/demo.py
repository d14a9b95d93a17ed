"""`demo`: dress made-up people, make an avatar, and show both on sheets."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from tqdm import tqdm

from client.asking import invoke
from client.options import add_platform, add_walk, add_where, walk
from client.problems import Refused
from client.progress import say
from client.references import photos_of, references
from client.results import content_of, results_of
from model.contact_sheet import contact_sheet
from model.samples.samples import SAMPLES, SampleTryOn, sample_sheet

_AT_ONCE = 4
_AVATARS_PERSON, _PHOTOS, _PHOTO_SIZE = 3, 5, (288, 384)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("demo_out"), metavar="DIR", help="folder for pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--limit",
        type=int,
        choices=range(1, len(SAMPLES) + 1),
        metavar="N",
        help=f"only N try-ons, 1..{len(SAMPLES)}, and no avatar (default: all)",
    )
    add_walk(parser)
    add_where(parser)
    add_platform(parser)
    parser.set_defaults(run=run)


def run(http: httpx.Client, args: Namespace) -> None:
    began = time.monotonic()
    samples = SAMPLES[: args.limit]
    args.out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = pool.map(lambda i: _tryon(http, samples[i], i, args), range(len(samples)))
        answers = list(tqdm(running, total=len(samples), desc="try-ons", unit="", disable=None))
    sheet = args.out / "contact_sheet.png"
    title = f"Atelier, weights: {answers[0]['model']['licence'] or 'unknown licence'}"
    sample_sheet(samples, args.out, title, truths=True).save(sheet)
    print(sheet)
    say(f"{len(samples)} try-ons in {time.monotonic() - began:.1f} s")
    if not args.limit:
        _avatar(http, args.out)


def _tryon(http: httpx.Client, sample: SampleTryOn, seed: int, args: Namespace) -> dict[str, Any]:
    """Photograph somebody made up and a garment; save what they look like in it, and the mask that was found."""
    from model.synthetic.datasets.sample_pictures import render_sample  # imports torch, which only this command needs

    inputs = render_sample(sample, args.out)
    mask = inputs.pop("mask")
    body = {"type": "tryon", "seed": seed, "category": sample.category, **references(inputs), **walk(args)}
    try:
        answer = invoke(http, body | {"return_mask": True}, lambda *_: None)
    except Refused as refusal:
        if refusal.code != "no_automask":  # weights that find none are shown the true one
            raise
        answer = invoke(http, body | references({"mask": mask}), lambda *_: None)
    for output in answer["outputs"]:
        file = mask if output["name"] == "mask.png" else args.out / sample.result
        file.write_bytes(content_of(output))
    return answer


def _avatar(http: httpx.Client, out: Path) -> None:
    """Photograph somebody made up, make their avatar, and show both on a sheet."""
    from model.synthetic.datasets.loose_photos import loose_photos  # imports torch, as above

    began = time.monotonic()
    photos = [out / f"photo_{i}.png" for i in range(_PHOTOS)]
    for file, photo in zip(photos, loose_photos(_AVATARS_PERSON, _PHOTOS, *_PHOTO_SIZE), strict=True):
        photo.convert("RGB").save(file)
    body = {"type": "avatar", **photos_of(photos), "seed": _AVATARS_PERSON, "turntable": True}
    results_of(http, body | {"output": {"inline": True}}, out)
    shown = [*photos, *(out / f"preview_{i}.png" for i in range(0, 8, 2))]
    sheet = out / "avatar_sheet.png"
    contact_sheet([[Image.open(file)] for file in shown], [file.stem for file in shown], cell=(240, 320)).save(sheet)
    print(sheet)
    say(f"an avatar in {time.monotonic() - began:.1f} s")
