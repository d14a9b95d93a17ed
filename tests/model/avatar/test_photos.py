"""From photos to what the networks see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from model.avatar.cutout import cut_at_top, cut_out
from model.avatar.photos import framed, loaded, read_photo
from model.errors import InputError
from model.perception.matting import OnnxMatting
from tests.model.avatar.matte_network import write_matting
from tests.model.up2you.goldens import golden, golden_json, largest_difference

RED, WALL = (250, 10, 10), (20, 60, 60)


def photo_of(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (120, 160)) -> Image.Image:
    """People are red boxes."""
    picture = Image.new("RGB", size, WALL)
    for box in boxes:
        ImageDraw.Draw(picture).rectangle(box, fill=RED)
    return picture


def soft_disc(size: int = 120, noise: int = 0) -> Image.Image:
    """A red disc whose alpha falls off over many pixels."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    alpha = np.clip(400 - 10 * np.hypot(x, y), noise, 255).astype(np.uint8)
    picture = Image.new("RGB", (size, size), RED)
    picture.putalpha(Image.fromarray(alpha))
    return picture


@pytest.fixture
def matting(tmp_path: Path) -> OnnxMatting:
    return OnnxMatting(write_matting(tmp_path / "matting.onnx", side=160))


@pytest.mark.parametrize("i", range(7))
def test_framing_as_published(i: int) -> None:
    reference, case = golden("image_preprocess"), golden_json("image_preprocess")["cases"][i]
    picture = framed(Image.fromarray(reference[f"{i}.in"].numpy()), case["res"], reference=True)
    pixels = torch.from_numpy(np.array(picture))
    if f"{i}.out" in reference:
        assert torch.equal(pixels, reference[f"{i}.out"])
    else:
        assert torch.equal(pixels[::8, ::8], reference[f"{i}.out_sub8"])
        assert torch.equal(pixels.long().sum((0, 1)), reference[f"{i}.out_sum"])
    if f"{i}.load_rgb" in reference:
        colours, alpha = loaded(picture, *case["load_hw"])
        assert largest_difference(colours.permute(1, 2, 0), reference[f"{i}.load_rgb"]) <= 1e-6
        assert largest_difference(alpha, reference[f"{i}.load_alpha"]) <= 1e-6


def test_soft_borders_keep_colour_and_alpha_unless_the_published_ones_are_wanted() -> None:
    disc = soft_disc()
    box = disc.getchannel("A").getbbox()
    kept, published = (framed(disc, 256, reference=reference) for reference in (False, True))
    left, top, right, bottom = kept.getchannel("A").getbbox() or (0, 0, 0, 0)
    person = disc.crop(box).resize((236, 236), Image.Resampling.LANCZOS)
    assert kept.crop((10, 10, 246, 246)) == person
    assert (left, top, right, bottom) == (10, 10, 246, 246)
    middle = 128
    soft = [x for x in range(256) if 60 < kept.getpixel((x, middle))[3] < 235]  # type: ignore[index]
    assert len(soft) > 20
    for x in soft:
        colour, squared = kept.getpixel((x, middle)), published.getpixel((x, middle))
        assert colour[:3] == pytest.approx(RED, abs=6)  # type: ignore[index]
        assert squared[3] == pytest.approx(colour[3] ** 2 / 255, abs=1)  # type: ignore[index]


def test_loading_lays_the_person_over_grey_once() -> None:
    alpha_levels = Image.linear_gradient("L")
    picture = Image.new("RGB", alpha_levels.size, (255, 0, 255))
    picture.putalpha(alpha_levels)
    colours, alpha = loaded(picture, 256, 256)
    share = torch.arange(256)[:, None].expand(256, 256) / 255
    assert largest_difference(alpha, share) < 1e-6
    assert largest_difference(colours[0], share + 0.5 * (1 - share)) < 1e-6
    assert largest_difference(colours[1], 0.5 * (1 - share)) < 1e-6


def test_a_whisper_of_matte_on_the_wall_does_not_shrink_the_person(matting: OnnxMatting) -> None:
    quiet, noisy = (cut_out(soft_disc(noise=noise), matting, "photos.0").picture for noise in (0, 7))
    box = quiet.getchannel("A").getbbox()
    assert box == noisy.getchannel("A").getbbox()
    assert box != (0, 0, 120, 120)


def test_a_blur_beside_the_person_does_not_shrink_them_either() -> None:
    disc = soft_disc()
    blurred = disc.getchannel("A")
    blurred.paste(100, (2, 2, 20, 12))
    photo = disc.copy()
    photo.putalpha(blurred)
    clean, same = (cut_out(picture, None, "photos.0").picture for picture in (photo, disc))
    assert clean == same


def test_a_sideways_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo_of((10, 10, 40, 40)).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    photo = read_photo(tmp_path / "photo.jpg", "photos.0")
    assert photo.size == (160, 120)
    assert photo.getpixel((160 - 25, 25))[0] > 200  # type: ignore[index]


def test_transparency_of_its_own_is_a_photos_matte(tmp_path: Path) -> None:
    disc = soft_disc()
    disc.save(tmp_path / "photo.png")
    photo = read_photo(tmp_path / "photo.png", "photos.0")
    cutout = cut_out(photo, None, "photos.0")
    assert np.array_equal(
        np.asarray(cutout.picture.getchannel("A")),
        np.where(np.asarray(disc.getchannel("A")) < 8, 0, np.asarray(disc.getchannel("A"))),
    )


def test_an_alpha_channel_that_hides_nothing_is_no_matte(tmp_path: Path, matting: OnnxMatting) -> None:
    photo_of((40, 40, 79, 119)).convert("RGBA").save(tmp_path / "photo.png")
    photo = read_photo(tmp_path / "photo.png", "photos.0")
    assert photo.mode == "RGB"
    assert cut_out(photo, matting, "photos.0").picture.getchannel("A").getpixel((5, 5)) == 0
    with pytest.raises(InputError, match="no matting model") as caught:
        cut_out(photo, None, "photos.7")
    assert (caught.value.code, caught.value.field) == ("no_matting", "photos.7")


def with_alpha(photo: Image.Image, *clear: tuple[int, int, int, int]) -> Image.Image:
    """The photo with transparent boxes."""
    holed = photo.convert("RGBA")
    for left, top, right, bottom in clear:
        holed.paste((0, 0, 0, 0), (left, top, right, bottom))
    return holed


PERSON = photo_of((40, 40, 79, 119))
FRAME = [(0, 0, 120, 1), (0, 159, 120, 160), (0, 0, 1, 160), (119, 0, 120, 160)]
CORNERS = [(0, 0, 9, 9), (111, 0, 120, 9), (0, 151, 9, 160), (111, 151, 120, 160)]


@pytest.mark.parametrize(
    "photo",
    [
        with_alpha(PERSON, (0, 0, 1, 1)),
        with_alpha(PERSON, *CORNERS),
        with_alpha(PERSON, *FRAME),
        with_alpha(PERSON, (5, 5, 35, 155)),
    ],
    ids=["a pixel", "corners", "a frame", "a hole"],
)
def test_a_few_transparent_pixels_make_no_cut_out(photo: Image.Image, matting: OnnxMatting) -> None:
    alpha = np.asarray(cut_out(photo, matting, "photos.0").picture.getchannel("A"))
    assert np.array_equal(alpha, np.asarray(cut_out(PERSON, matting, "photos.0").picture.getchannel("A")))
    with pytest.raises(InputError, match="no transparent background of its own"):
        cut_out(photo, None, "photos.0")


def test_what_was_erased_of_a_photo_that_is_no_cut_out_stays_erased(matting: OnnxMatting) -> None:
    alpha = np.asarray(cut_out(with_alpha(PERSON, (50, 60, 60, 70)), matting, "photos.0").picture.getchannel("A"))
    assert not alpha[60:70, 50:60].any()
    assert alpha[80:110, 50:60].min() == 255


def test_a_person_who_fills_the_height_of_a_cut_out_is_taken_as_sent() -> None:
    photo = with_alpha(PERSON.crop((40, 40, 79, 119)), (0, 0, 10, 60), (30, 0, 39, 60))
    alpha = np.asarray(cut_out(photo, None, "photos.0").picture.getchannel("A"))
    assert np.array_equal(alpha, np.asarray(photo.getchannel("A")))


def test_what_is_no_picture_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"a poem")
    with pytest.raises(InputError, match=r"photos\.3 cannot be read") as caught:
        read_photo(tmp_path / "photo", "photos.3")
    assert (caught.value.code, caught.value.field) == ("image_unreadable", "photos.3")


def test_a_photo_of_nobody_is_refused_by_name(matting: OnnxMatting) -> None:
    transparent = Image.new("RGBA", (50, 50))
    wall = photo_of((0, 0, 120, 150))  # all of it is something, to a matting network
    for nobody in (photo_of(), photo_of((10, 10, 11, 11)), transparent, wall):
        with pytest.raises(InputError, match=r"photos\.2 shows no person") as caught:
            cut_out(nobody, matting, "photos.2")
        assert (caught.value.code, caught.value.field) == ("no_person", "photos.2")


def test_of_several_people_the_largest_stays_with_all_its_border(matting: OnnxMatting) -> None:
    large, small = (10, 20, 49, 139), (80, 60, 109, 139)
    together, alone = (cut_out(photo_of(*boxes), matting, "photos.0") for boxes in ((large, small), (large,)))
    assert (together.several_people, alone.several_people) == (True, False)
    matte, expected = (np.asarray(cutout.picture.getchannel("A")) for cutout in (together, alone))
    assert np.array_equal(matte[:, :60], expected[:, :60])
    assert not matte[:, 66:].any()


def test_what_a_person_carries_is_no_other_person(matting: OnnxMatting) -> None:
    cutout = cut_out(photo_of((10, 20, 49, 139), (80, 60, 99, 79)), matting, "photos.0")
    assert not cutout.several_people
    assert cutout.picture.getchannel("A").getpixel((90, 70)) == 255


def test_a_person_cut_off_by_the_upper_border_is_noticed(matting: OnnxMatting) -> None:
    assert cut_out(photo_of((10, 0, 49, 139)), matting, "photos.0").cut_at_top
    assert not cut_out(photo_of((10, 6, 49, 139)), matting, "photos.0").cut_at_top
    hair = np.zeros((100, 100), np.uint8)
    hair[10:, 20:80] = 255
    hair[:10, 50:55] = 255
    assert not cut_at_top(hair)
