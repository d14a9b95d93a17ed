"""From the painted picture to the client's photo, and to files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from model.errors import InputError
from model.pictures.reading import read_picture
from model.tryon.pictures import crop_box
from model.tryon.repaint import blend, paste_back, seam_radius
from model.tryon.writing import Album, ResultFormat, colour_profile, numbered, shrink
from tests.model.catvton.replay import grey_levels
from tests.model.tryon.drawing import array, noise, opened, rectangle, same, saved


def test_the_seam_is_the_published_scripts(golden: Path) -> None:
    folder = golden / "repaint"
    for row in json.loads((folder / "repaint.json").read_text()):
        person, result, mask = (opened(folder / f"{name}_{row['i']}.png") for name in ("person", "result", "mask"))
        assert seam_radius(mask.height) == row["gaussian_radius"]
        assert same(blend(person, result, mask), folder / row["inference_repaint_rgb_mask"])
        assert same(paste_back(person, result, mask, 10**9), folder / row["inference_repaint_rgb_mask"])


def test_pixels_away_from_the_mask_stay_the_photos(tmp_path: Path) -> None:
    photo, result = noise(700, 500), noise(96, 128, seed=1)
    mask = rectangle(700, 500, (300, 200, 400, 300))
    pasted = paste_back(photo, result, mask, 10**9)
    reach = 3 * seam_radius(500)
    touched = (array(pasted) != array(photo)).any(axis=2)
    assert touched[200:300, 300:400].mean() > 0.99
    touched[200 - reach : 300 + reach, 300 - reach : 400 + reach] = False
    assert not touched.any()


def test_pixels_outside_the_crop_stay_the_photos_even_under_the_mask() -> None:
    photo = noise(700, 500)
    pasted = paste_back(photo, noise(96, 128, seed=1), Image.new("L", photo.size, 255), 10**9)
    left, _, right, _ = crop_box(photo.size, (96, 128))
    assert (array(pasted)[:, :left] == array(photo)[:, :left]).all()
    assert (array(pasted)[:, right:] == array(photo)[:, right:]).all()
    assert (array(pasted)[:, left:right] != array(photo)[:, left:right]).any()


def test_a_large_photo_is_shrunk_before_pasting() -> None:
    photo, mask = noise(400, 300), rectangle(400, 300, (150, 110, 250, 190))
    pasted = paste_back(photo, Image.new("RGB", (96, 128), "red"), mask, 30_000)
    assert pasted.size == (200, 150)
    assert (array(pasted)[:30] == array(shrink(photo, 30_000))[:30]).all()
    assert pasted.getpixel((100, 75)) == (255, 0, 0)


def test_nothing_is_shrunk_that_fits() -> None:
    photo = noise(40, 30)
    assert shrink(photo, 1200) is photo
    assert shrink(photo, 1199).size == (39, 29)


@pytest.mark.parametrize(("format", "suffix"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp")])
def test_results_are_saved_without_metadata(tmp_path: Path, format: ResultFormat, suffix: str) -> None:
    result = Image.linear_gradient("L").convert("RGB")
    result.info.update(exif=b"Exif\0\0where I live", comment="me", xmp=b"<me/>", dpi=(72, 72))
    for i in range(2):
        Album(result, format, tmp_path).save(result, numbered("result", i))
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"result.{suffix}", f"result_1.{suffix}"]
    read = opened(tmp_path / f"result.{suffix}")
    assert read.format == format.upper()
    assert not read.info.keys() & {"exif", "xmp", "icc_profile", "comment", "dpi"}
    assert not read.getexif()
    assert grey_levels(array(read), array(result)) <= (0 if format == "png" else 3)


def test_a_photos_colour_profile_stays_with_its_pixels(tmp_path: Path) -> None:
    profile = b"\0" * 16 + b"RGB " + b"\0" * 108
    photo = opened(saved(noise(20, 30), tmp_path / "photo.png", icc_profile=profile))
    Album(photo, "png", tmp_path).save(photo, "result")
    assert opened(tmp_path / "result.png").info["icc_profile"] == profile


def test_a_profile_of_other_inks_is_dropped(tmp_path: Path) -> None:
    photo = saved(Image.new("CMYK", (8, 8)), tmp_path / "photo.jpg", icc_profile=b"\0" * 16 + b"CMYK" + b"\0" * 108)
    assert colour_profile(read_picture(photo, "person")) is None


@pytest.mark.parametrize(("format", "limit"), [("webp", 16_383), ("jpeg", 65_500)])
def test_a_result_may_be_as_long_as_its_format_can_hold_and_no_longer(
    format: ResultFormat, limit: int, tmp_path: Path
) -> None:
    album = Album(Image.new("RGB", (1, 1)), format, tmp_path)
    album.save(Image.new("RGB", (limit, 1)), "result")
    with pytest.raises(InputError, match=f"{limit + 1} x 1"):
        album.save(Image.new("RGB", (limit + 1, 1)), "result")
