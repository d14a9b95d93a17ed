"""Photos that are not as they should be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from model.engines.up2you.engine import UP2You
from model.errors import InputError
from model.perception.matting import light_model
from model.weights.pack import DEMO
from tests.model.up2you.avatar_files import Files
from tests.model.up2you.studio import Studio


def beside_each_other(photo: Image.Image) -> Image.Image:
    pair = Image.new("RGBA", (2 * photo.width, photo.height))
    for i in range(2):
        pair.paste(photo, (i * photo.width, 0))
    return pair


def headless(photo: Image.Image) -> Image.Image:
    box = photo.getchannel("A").getbbox()
    assert box is not None
    return photo.crop((0, (box[1] + box[3]) // 2, *photo.size))


@pytest.mark.parametrize(
    ("changed", "count", "code", "said"),
    [
        (lambda photo: photo, 1, "one_photo", "only one photo"),
        (beside_each_other, 2, "several_people", "photos.1"),
        (headless, 2, "no_head", "every photo"),
    ],
)
def test_photos_that_show_too_little_or_too_many_are_used_with_a_warning(
    studio: Studio,
    photos: Files,
    tmp_path: Path,
    changed: Callable[[Image.Image], Image.Image],
    count: int,
    code: str,
    said: str,
) -> None:
    photo = changed(Image.open(photos["photos.1"]))
    photo.save(tmp_path / "changed.png")
    files = {f"photos.{i}": tmp_path / "changed.png" for i in range(count)}
    _, job = studio.run(files, body_only=True)
    [warning] = job.warnings
    assert warning["code"] == code
    assert said in warning["message"]


def no_picture(file: Path) -> None:
    file.write_bytes(b"not a picture")


def nobody(file: Path) -> None:
    Image.new("RGBA", (60, 80)).save(file, "PNG")


@pytest.mark.parametrize(("write", "code"), [(no_picture, "image_unreadable"), (nobody, "no_person")])
def test_a_photo_that_cannot_be_used_is_named(
    studio: Studio, photos: Files, tmp_path: Path, write: Callable[[Path], None], code: str
) -> None:
    write(tmp_path / "bad")
    with pytest.raises(InputError) as caught:
        studio.run(photos | {"photos.1": tmp_path / "bad"})
    assert (caught.value.code, caught.value.field) == (code, "photos.1")


@pytest.mark.skipif(light_model() is not None, reason="the light matting model is installed")
def test_without_a_matting_model_photos_need_a_background_of_their_own(
    photos: Files, tmp_path: Path, studio: Studio
) -> None:
    weights = Path(shutil.copytree(DEMO, tmp_path / "weights", ignore=shutil.ignore_patterns("matting.onnx")))
    bare = Studio(UP2You(weights, studio.avatar.networks.device), studio.runner, tmp_path)
    for body_only, field in ((False, "photos"), (True, "photos.0")):
        with pytest.raises(InputError) as caught:
            bare.run(photos, body_only=body_only)
        assert (caught.value.code, caught.value.field) == ("no_matting", field)
    bare.run({"photos.0": photos["photos.1"]}, body_only=True)
