"""The part that is painted, through the whole service."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from model.samples.samples import small_sample
from model.tryon.pictures import crop_box
from model.tryon.repaint import seam_radius
from tests.conftest import base64_of, encode
from tests.model.conftest import DATA
from tests.model.tryon.labelled import SHIRT, WALL, draw_labelled, where, write_networks
from tests.server import ROOT, Server, serving

QUICK = {"type": "tryon", "width": 96, "height": 128, "steps": 2, "seed": 1}
CASES = ROOT.parent / "shared" / "cases"
PERSON, MASK = (Image.open(small_sample()[name]) for name in ("person", "mask"))
GARMENT = base64_of(small_sample()["garment"].read_bytes())


def scene(size: tuple[int, int], at: tuple[int, int], person: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """A wall with the sample's person on it, and the mask of that person."""
    photo, mask = Image.new("RGB", size, (150, 160, 170)), Image.new("L", size)
    photo.paste(PERSON.convert("RGB").resize(person), at)
    mask.paste(MASK.convert("L").resize(person, Image.Resampling.NEAREST), at)
    return photo, mask


def ask(server: Server, photo: Image.Image, mask: Image.Image | None, **fields: Any) -> dict[str, Any]:
    body = QUICK | {"person": base64_of(encode(photo)), "garment": GARMENT} | fields
    response = server.invoke(body if mask is None else body | {"mask": base64_of(encode(mask))})
    assert response.status_code == 200, response.text
    said: dict[str, Any] = response.json()
    return said


def shown(said: dict[str, Any]) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(said["outputs"][0]["data"]))).convert("RGB")).astype(int)


def painted(said: dict[str, Any], photo: Image.Image, mask: Image.Image) -> float:
    """The share of the mask where the answer is not the photo."""
    changed = (shown(said) != np.asarray(photo)).any(2)
    return float(changed[np.asarray(mask) >= 128].mean())


def codes(said: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in said["warnings"]]


@pytest.mark.parametrize(
    ("size", "at", "person"),
    [
        ((640, 256), (150, 0), (192, 256)),  # left of the centre
        ((640, 256), (448, 0), (192, 256)),  # at the right border
        ((256, 640), (40, 384), (192, 256)),  # at the lower border of a portrait
        ((480, 640), (20, 500), (96, 128)),  # small, in a corner
    ],
    ids=["left", "right", "below", "corner"],
)
def test_all_of_the_mask_is_painted_wherever_the_person_stands(
    size: tuple[int, int], at: tuple[int, int], person: tuple[int, int], server: Server
) -> None:
    photo, mask = scene(size, at, person)
    said = ask(server, photo, mask)
    assert codes(said) == []
    assert painted(said, photo, mask) > 0.98
    soft = mask.filter(ImageFilter.GaussianBlur(seam_radius(size[1])))
    outside = np.asarray(soft) == 0
    assert (shown(said)[outside] == np.asarray(photo)[outside]).all()


def test_a_mask_wider_than_the_photo_is_high_is_painted_with_a_border_that_goes_on(server: Server) -> None:
    photo, mask = scene((400, 128), (150, 0), (96, 128))
    ImageDraw.Draw(mask).rectangle((60, 30, 340, 90), fill=255)
    said = ask(server, photo, mask)
    assert codes(said) == []
    assert painted(said, photo, mask) > 0.98


def test_the_published_box_says_how_much_of_the_mask_it_leaves_out(server: Server) -> None:
    photo, mask = scene((640, 256), (100, 0), (192, 256))
    said = ask(server, photo, mask, crop="centre")
    assert codes(said) == ["mask_cut"]
    left, _, right, _ = crop_box(photo.size, (96, 128))
    levels = np.asarray(mask) >= 128
    share = 1 - levels[:, left:right].sum() / levels.sum()
    assert said["warnings"][0]["message"].startswith(f"{round(100 * share)} % of the mask")
    changed = (shown(said) != np.asarray(photo)).any(2)
    assert not changed[:, :left].any()


@pytest.mark.parametrize("size", [(96, 128), (192, 256), (200, 256), (300, 256)])
def test_photos_that_went_well_are_dressed_as_ever_to_the_bit(size: tuple[int, int], server: Server) -> None:
    person = (3 * size[1] // 5, 4 * size[1] // 5)
    photo, mask = scene(size, ((size[0] - person[0]) // 2, size[1] // 10), person)
    both = [ask(server, photo, mask, crop=crop)["outputs"][0]["sha256"] for crop in ("auto", "centre")]
    assert both[0] == both[1]
    assert ask(server, photo, mask)["outputs"][0]["sha256"] == both[0]


def test_requests_of_the_earlier_container_are_centred(server: Server) -> None:
    photo, mask = scene((640, 256), (150, 0), (192, 256))
    names = {"person_image_url": photo, "mask_image_url": mask}
    body = QUICK | {name: base64_of(encode(picture)) for name, picture in names.items()} | {"upper_cloth_url": GARMENT}
    garments = {"garments": {"upper": GARMENT, "lower": GARMENT}, "garment": None}
    earlier = server.invoke(body | {"lower_cloth_url": GARMENT, "userId": "u", "timestamp": "t"}).json()
    ours = {**garments, "garments_canvas": "black", "output": {"format": "jpeg", "quality": 75}}
    assert earlier["outputs"][0]["sha256"] == ask(server, photo, mask, crop="centre", **ours)["outputs"][0]["sha256"]


def test_as_painted_the_result_shows_the_part_that_was_chosen(server: Server) -> None:
    photo, mask = scene((640, 256), (300, 0), (192, 256))
    at_the_side, centred = (shown(ask(server, photo, mask, repaint=False, crop=crop)) for crop in ("auto", "centre"))
    alone, own_mask = scene((192, 256), (0, 0), (192, 256))
    expected = shown(ask(server, alone, own_mask, repaint=False))
    assert np.abs(at_the_side - expected).mean() < 0.7 * np.abs(centred - expected).mean()


@pytest.mark.parametrize("crop", ["middle", {"person": -0.1}, {"person": 2.1}, {"who": 1}, {"person": 0.2, "more": 1}])
def test_other_crops_are_refused(crop: Any, server: Server, picture: str) -> None:
    response = server.invoke(QUICK | {"person": picture, "garment": picture, "mask": picture, "crop": crop})
    assert response.status_code == 422
    assert "crop" in response.json()["detail"]


def test_the_reported_landscape_is_painted_without_a_straight_edge(server: Server) -> None:
    if not CASES.is_dir():
        pytest.skip("the reported inputs are not there")
    photo, mask = (Image.open(CASES / f"landscape_{name}") for name in ("person.jpg", "mask.png"))
    said = ask(server, photo, mask)
    assert codes(said) == []
    assert painted(said, photo, mask) > 0.98


# -- with label networks -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def labelling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("labelling")
    weights = Path(shutil.copytree(DATA / "weights", folder / "weights"))
    write_networks(weights)
    with serving(folder, MODEL_DIR=weights, ENGINES="tryon") as server:
        yield server


def drawn(size: tuple[int, int], at: tuple[int, int], person: tuple[int, int]) -> Image.Image:
    photo = Image.new("RGB", size, WALL)
    photo.paste(draw_labelled(person), at)
    return photo


def test_a_small_person_is_seen_from_near_with_a_mask_of_ours(labelling: Server) -> None:
    """As a picture of the person alone is: what the networks see is the same but for a margin."""
    photo = drawn((480, 640), (200, 260), (96, 128))
    near = ask(labelling, photo, None, return_mask=True)
    shirt = where(photo, SHIRT)
    changed = (shown(near) != np.asarray(photo)).any(2)
    assert changed[shirt].mean() > 0.95
    assert codes(near) == []
    far = ask(labelling, photo, None, crop="centre")
    assert near["outputs"][0]["sha256"] != far["outputs"][0]["sha256"]


def test_a_person_of_good_size_is_dressed_as_ever_with_a_small_mask_of_theirs(labelling: Server) -> None:
    photo = drawn((240, 320), (48, 40), (144, 192))
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).rectangle((100, 110, 130, 130), fill=255)
    both = [ask(labelling, photo, mask, crop=crop)["outputs"][0]["sha256"] for crop in ("auto", "centre")]
    assert both[0] == both[1]


def test_a_box_around_the_person_leaves_out_what_is_not_theirs_with_a_warning(labelling: Server) -> None:
    photo = drawn((640, 256), (400, 0), (192, 256))
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).rectangle((464, 70, 520, 120), fill=255)
    ImageDraw.Draw(mask).rectangle((20, 70, 40, 120), fill=255)
    said = ask(labelling, photo, mask, crop={"person": 0.1})
    assert codes(said) == ["mask_cut"]
    changed = (shown(said) != np.asarray(photo)).any(2)
    assert changed[80:110, 470:515].mean() > 0.95
    assert not changed[:, :60].any()


def test_each_layer_follows_its_own_mask(labelling: Server) -> None:
    photo = drawn((640, 256), (400, 0), (192, 256))
    layers = [{"garment": GARMENT, "category": category} for category in ("upper", "lower")]
    said = ask(labelling, photo, None, garment=None, layers=layers)
    assert codes(said) == []
    changed = (shown(said) != np.asarray(photo)).any(2)
    assert changed[where(photo, SHIRT)].mean() > 0.9


def test_who_is_cut_out_is_known_from_the_alpha(server: Server) -> None:
    photo, mask = scene((480, 640), (20, 500), (96, 128))
    photo.putalpha(0)
    photo.paste(PERSON.convert("RGBA"), (20, 500))
    over_white = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo).convert("RGB")
    said = ask(server, photo, mask)
    assert codes(said) == []
    assert painted(said, over_white, mask) > 0.98
