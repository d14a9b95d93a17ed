"""`demo`: dress made-up people, or the person in a photo, make an avatar, fit an outfit, and show all on sheets."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from PIL import Image
from tqdm import tqdm

from client.asking import checked, invoke
from client.demo_outfit import offers_outfits, outfit_demo
from client.options import add_platform, add_sampling, add_where, sampling
from client.problems import Json, Refused
from client.progress import say
from client.references import photos_of, picture, references
from client.results import content_of, results_of
from model.contact_sheet import contact_sheet
from model.pictures.reading import read_picture
from model.samples.samples import GARMENTS, SAMPLES, SampleTryOn, file_name, photo_sheet, sample_sheet

_AT_ONCE = 4  # try-ons, which then share forwards
_NEW_DRESS = "flower_dress"
_AVATARS_PERSON, _PHOTOS, _PHOTO_SIZE = 3, 5, (576, 768)  # a seed; as many photos as the built-in avatar was trained on

Engines = Mapping[str, Json]  # try-on engines as `/api/models` tells of them, the default first


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("demo_out"), metavar="DIR", help="folder for pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--limit",
        type=int,
        choices=range(1, len(SAMPLES) + 1),
        metavar="N",
        help=f"only N try-ons, 1..{len(SAMPLES)}, no avatar and no outfit (default: all)",
    )
    parser.add_argument(
        "--photo", type=picture, metavar="PICTURE", help="dress the person in it instead, in the same garments"
    )
    add_sampling(parser)
    add_where(parser)
    add_platform(parser)
    parser.set_defaults(run=run)


def run(http: httpx.Client, args: Namespace) -> None:
    began = time.monotonic()
    samples = SAMPLES[: args.limit]
    args.out.mkdir(parents=True, exist_ok=True)
    engines = _engines(http)
    if args.photo:
        sheet, count = _photo(http, samples, next(iter(engines)), args), len(samples)
    else:
        sheet, count = _people(http, samples, engines, args), len(samples) * len(engines)
    print(sheet)
    say(f"{count} try-ons in {time.monotonic() - began:.1f} s")
    if not args.limit and not args.photo:
        _avatar(http, args.out)
        if offers_outfits(http):
            outfit_demo(http, args.out / "outfit")


def _engines(http: httpx.Client) -> Engines:
    """Those that put garments on and were trained to."""
    models = checked(http.get("/api/models")).json()["models"]
    tryons = {name: offer for name, offer in models.items() if offer["type"] == "tryon" and not offer["untrained"]}
    return dict(sorted(tryons.items(), key=lambda item: not item[1]["default"]))


def _people(http: httpx.Client, samples: Sequence[SampleTryOn], engines: Engines, args: Namespace) -> Path:
    """Made-up people dressed by every engine, on a sheet."""
    answers = _all_of(samples, lambda i: _sample(http, samples[i], i, engines, args))
    title = f"Atelier, weights: {answers[0]['model']['licence'] or 'unknown licence'}"
    sheet: Path = args.out / "contact_sheet.png"
    sample_sheet(samples, args.out, title, results=list(engines), truths=True).save(sheet)
    return sheet


def _all_of(samples: Sequence[SampleTryOn], dress: Callable[[int], Json]) -> list[Json]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = pool.map(dress, range(len(samples)))
        return list(tqdm(running, total=len(samples), desc="try-ons", unit="", disable=None))


def _sample(http: httpx.Client, sample: SampleTryOn, seed: int, engines: Engines, args: Namespace) -> Json:
    """Photograph somebody made up and a garment; save what they look like in it, and the mask that was found."""
    from model.synthetic.datasets.sample_pictures import render_sample  # imports torch, which only this command needs

    inputs = render_sample(sample, args.out)
    mask = inputs.pop("mask")
    answers = []
    for name, offer in engines.items():
        body: dict[str, object] = {"type": "tryon", "engine": name, "category": sample.category, **references(inputs)}
        body |= _options(offer, {"seed": seed, **sampling(args)})
        try:
            answer = invoke(http, body | {"return_mask": True}, lambda *_: None)
        except Refused as refusal:
            if refusal.code != "no_automask":  # weights that find none are shown the true one
                raise
            answer = invoke(http, body | references({"mask": mask}), lambda *_: None)
        _save(answer, {"result": args.out / sample.result_by(name), "mask": mask})
        answers.append(answer)
    return answers[0]


def _options(offer: Json, wanted: Mapping[str, object]) -> dict[str, object]:
    """Those that the engine takes."""
    presets = {"quality", "solver"} if offer["presets"] else set()
    return {name: value for name, value in wanted.items() if name in {*offer["limits"], *offer["sizes"], *presets}}


def _save(answer: Json, files: Mapping[str, Path]) -> None:
    for output in answer["outputs"]:
        if file := files.get(Path(output["name"]).stem):
            file.write_bytes(content_of(output))


def _photo(http: httpx.Client, samples: Sequence[SampleTryOn], engine: str, args: Namespace) -> Path:
    """One's own photo in the samples' garments, on a sheet."""
    from model.synthetic.datasets.sample_pictures import render_garment  # imports torch, as above

    def dress(i: int) -> Json:
        sample = samples[i]
        garment = render_garment(sample, args.out)
        files = references({"person": args.photo, "garment": garment})
        answer = invoke(
            http, {"type": "tryon", "engine": engine, "category": sample.category, **files}, lambda *_: None
        )
        _save(answer, {"result": args.out / file_name("photo", sample.garment)})
        return answer

    _all_of(samples, dress)
    sheet: Path = args.out / "photo_sheet.png"
    photo_sheet(samples, read_picture(Path(args.photo), "photo"), args.out).save(sheet)
    return sheet


def _avatar(http: httpx.Client, out: Path) -> None:
    """Photograph somebody made up, make their avatar, also in other clothes, and show all on a sheet."""
    from model.synthetic.datasets.loose_photos import loose_photos  # imports torch, as above

    began = time.monotonic()
    photos = [out / f"photo_{i}.png" for i in range(_PHOTOS)]
    for file, photo in zip(photos, loose_photos(_AVATARS_PERSON, _PHOTOS, *_PHOTO_SIZE), strict=True):
        photo.convert("RGB").save(file)
    body = {"type": "avatar", **photos_of(photos), "seed": _AVATARS_PERSON, "turntable": True, "parts": True}
    inline = {"output": {"inline": True}}
    results_of(http, body | inline, out)
    anew, garment = out / "avatar_anew", GARMENTS / f"{_NEW_DRESS}.webp"
    results_of(http, body | inline | references({"garment": garment}) | {"category": "overall"}, anew)
    clothes = [out / f"clothes_{side}.png" for side in ("front", "back")]
    turning = [f"preview_{i}.png" for i in range(0, 8, 2)]
    shown = [
        *photos,
        *(out / name for name in turning),
        *(file for file in clothes if file.is_file()),
        garment,
        *(anew / name for name in turning),
    ]
    sheet = out / "avatar_sheet.png"
    columns = [[_on_white(Image.open(file))] for file in shown]
    contact_sheet(columns, [file.stem for file in shown], cell=(240, 320), columns_a_band=11).save(sheet)
    print(sheet)
    say(f"two avatars in {time.monotonic() - began:.1f} s")


def _on_white(picture: Image.Image) -> Image.Image:
    whole = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
