"""What `demo` shows of outfits as clouds of points: one is fitted, others wear it, another one changes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from PIL import Image

from client.asking import checked
from client.progress import say
from client.references import photos_of, reference
from client.results import results_of
from model.contact_sheet import contact_sheet

_WEARER, _OTHERS = 3, (5, 8)  # seeds of made-up people
_PHOTO_SIZE = (384, 512)  # a small photo's
_ITERATIONS = {"coarse_iterations": 60, "fine_iterations": 60}  # 100 each by default; the demo is to end soon
# Two cuts that differ at a glance, walked from one to the other.
_WALK = {"outfit_name": "t-shirt", "other_name": "dress", "walk": True, "size": 320}


def offers_outfits(http: httpx.Client) -> bool:
    """Whether an engine is loaded that knows the outfits walked between."""
    models = checked(http.get("/api/models")).json()["models"].values()
    wanted = {str(_WALK["outfit_name"]), str(_WALK["other_name"])}
    return any(offer["type"] == "outfit" and wanted <= set(offer["variants"]) for offer in models)


def outfit_demo(http: httpx.Client, out: Path) -> None:
    """Fit an outfit to somebody's photo, put it on two others in other poses, walk from a t-shirt to a dress."""
    began = time.monotonic()
    photo, *others = _photos(out)
    ask = {"type": "outfit", "seed": _WEARER, "output": {"inline": True}}
    results_of(http, ask | {"task": "fit", **photos_of([photo]), **_ITERATIONS}, out)
    wear = ask | {"task": "wear", "outfit": reference(str(out / "outfit.npz")), "formats": ["ply"]}
    wearers = {"alone": {"body": reference(str(out / "body.json"))}}
    wearers |= {other.stem: {"person": reference(str(other))} for other in others}
    for name, worn_by in wearers.items():
        results_of(http, wear | worn_by, out / name)
    results_of(http, ask | _WALK | {"task": "mix", "formats": ["ply"]}, out / "walk")
    shown: Mapping[str, Path] = {
        "photo": photo,
        "fitted": out / "fit.png",
        "its cloud": out / "alone/worn.png",
        **{f"{kind} {i}": file for i, other in enumerate(others, 1) for kind, file in _before_and_after(other, out)},
        "half a dress": out / "walk/worn.png",
    }
    sheet = out / "outfit_sheet.png"
    contact_sheet([[Image.open(file)] for file in shown.values()], list(shown), cell=(240, 320)).save(sheet)
    print(sheet)
    say(f"an outfit fitted, worn by two others and mixed in {time.monotonic() - began:.1f} s")


def _photos(out: Path) -> list[Path]:
    """Of somebody and of two others, each made up and by themselves."""
    from model.synthetic.datasets.loose_photos import loose_photos  # imports torch, which only the demo needs

    out.mkdir(parents=True, exist_ok=True)
    files = [out / f"person_{seed}.png" for seed in (_WEARER, *_OTHERS)]
    for file, seed in zip(files, (_WEARER, *_OTHERS), strict=True):
        [photo] = loose_photos(seed, 1, *_PHOTO_SIZE)
        photo.convert("RGB").save(file)
    return files


def _before_and_after(other: Path, out: Path) -> list[tuple[str, Path]]:
    return [("person", other), ("wearing it", out / other.stem / "worn.png")]
