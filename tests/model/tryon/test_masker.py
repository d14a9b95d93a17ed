"""From a photo to its mask through real sessions, and through the engine."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import pytest
from PIL import Image

from model.engines.catvton.engine import CatVTON
from model.engines.check import check
from model.engines.pack import EnginePack
from model.errors import InputError, WeightsError
from model.perception.label_maps import CachedLook, LabelMaps, ThreeParsers
from model.perception.parsing import Parsing
from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from model.runtime.recent import Recent
from model.tryon.masker import Found, Masker
from model.tryon.maskers.makers import PublishedMaker
from model.tryon.request import Category
from tests.model.catvton.test_tryon import GARMENT, Studio
from tests.model.runtime.on_device import CPU
from tests.model.tryon.drawing import array, opened, saved
from tests.model.tryon.labelled import ARM, DENSEPOSE, FACE, HAND, SHIRT, TROUSERS, WALL, draw_labelled, where
from tests.model.tryon.test_automask import global_generators


@pytest.fixture
def studio(masking: CatVTON, runner: asyncio.Runner, tmp_path: Path) -> Studio:
    return Studio(masking, runner, tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return {"person": saved(draw_labelled((192, 256)), tmp_path / "person.png"), "garment": GARMENT}


def refused(studio: Studio, files: dict[str, Path], **fields: Any) -> tuple[str, str | None]:
    with pytest.raises(InputError) as caught:
        studio.dress(files, mask=None, **fields)
    return caught.value.code, caught.value.field


# -- by content --------------------------------------------------------------------------------------------------


def only_mask(studio: Studio, photo: Path, **fields: Any) -> Image.Image:
    (file,) = studio.dress({"person": photo}, mask=None, garment=None, mask_only=True, **fields)
    assert file.name == "mask.png"
    return opened(file)


def test_the_mask_covers_the_garment_of_its_category(studio: Studio, files: dict[str, Path]) -> None:
    photo = opened(files["person"])
    upper, lower = (array(only_mask(studio, files["person"], category=one)) for one in ("upper", "lower"))
    assert set(np.unique(upper)) == {0, 255}
    assert (upper[where(photo, SHIRT)] == 255).mean() > 0.95
    assert (upper[where(photo, ARM)] == 255).mean() > 0.9
    for kept in (FACE, TROUSERS, HAND):
        assert (upper[where(photo, kept)] == 0).mean() > 0.85
    assert (lower[where(photo, TROUSERS)] == 255).mean() > 0.95
    assert (lower[where(photo, SHIRT)] == 0).mean() > 0.85


@pytest.mark.parametrize("size", [(402, 514), (1500, 2000)])
def test_the_mask_has_the_photos_size(studio: Studio, tmp_path: Path, size: tuple[int, int]) -> None:
    photo = draw_labelled(size)
    mask = only_mask(studio, saved(photo, tmp_path / "large.png"))
    assert mask.size == size
    levels = array(mask)
    assert set(np.unique(levels)) == {0, 255}
    assert (levels[where(photo, SHIRT)] == 255).mean() > 0.95
    assert (levels[where(photo, FACE)] == 0).mean() > 0.9


def test_a_mask_is_found_in_the_photo_as_its_author_sees_it(studio: Studio, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise
    turned = draw_labelled((192, 256)).rotate(90, expand=True)
    upright, sideways = (
        only_mask(studio, saved(photo, tmp_path / name, **options))
        for photo, name, options in (
            (draw_labelled((192, 256)), "upright.png", {}),
            (turned, "sideways.png", {"exif": exif}),
        )
    )
    assert (array(upright) == array(sideways)).all()


def test_dressing_without_a_mask_is_dressing_with_the_mask_that_is_found(
    studio: Studio, files: dict[str, Path]
) -> None:
    mask, without = studio.dress(files, mask=None, return_mask=True)
    assert (mask.name, without.name) == ("mask.png", "result.png")
    (given,) = studio.dress(files | {"mask": mask})
    assert without.read_bytes() == given.read_bytes()


def test_a_given_mask_comes_back_as_it_was_used(studio: Studio, files: dict[str, Path], tmp_path: Path) -> None:
    half = Image.new("L", (96, 128), 255)
    half.paste(90, (0, 0, 96, 64))
    sent = saved(half, tmp_path / "half.png")
    mask, _ = studio.dress(files | {"mask": sent}, return_mask=True, mask_polarity="black_repaints")
    levels = array(opened(mask))
    assert levels.shape == (256, 192)
    assert (levels[:120] == 255).all()
    assert (levels[136:] == 0).all()


def test_a_mask_alone_comes_in_the_format_asked_for(studio: Studio, files: dict[str, Path]) -> None:
    (file,) = studio.dress(files, mask=None, garment=None, mask_only=True, output={"format": "jpeg"})
    assert file.name == "mask.jpg"
    assert opened(file).format == "JPEG"


def test_no_mask_is_larger_than_allowed(studio: Studio, files: dict[str, Path]) -> None:
    for picture in studio.dress(files, mask=None, return_mask=True, max_output_pixels=5000):
        width, height = opened(picture).size
        assert 4500 < width * height <= 5000
    assert set(np.unique(array(opened(picture.with_name("mask.png"))))) == {0, 255}


def test_finding_a_mask_is_a_stage_and_needs_no_device(
    studio: Studio, files: dict[str, Path], masking: CatVTON
) -> None:
    before = masking.device.stats.forwards
    only_mask(studio, files["person"])
    assert masking.device.stats.forwards == before
    assert [stage for stage, _, _ in studio.stages] == ["prepare", "mask", "save"]


# -- refusals ----------------------------------------------------------------------------------------------------


def test_a_photo_without_anybody_is_refused(studio: Studio, tmp_path: Path) -> None:
    wall = saved(Image.new("RGB", (96, 128), WALL), tmp_path / "wall.png")
    assert refused(studio, {"person": wall, "garment": GARMENT}) == ("no_person", "person")
    assert refused(studio, {"person": wall}, garment=None, mask_only=True) == ("no_person", "person")


def test_a_photo_without_room_for_the_garment_is_refused(studio: Studio, tmp_path: Path) -> None:
    portrait = draw_labelled().crop((20, 0, 76, 29))
    face = saved(portrait, tmp_path / "face.png")
    assert refused(studio, {"person": face, "garment": GARMENT}, category="lower") == ("mask_empty", "mask")


def test_a_mask_that_would_leave_nothing_is_refused(studio: Studio, tmp_path: Path) -> None:
    cloth = saved(Image.new("RGB", (96, 128), SHIRT), tmp_path / "cloth.png")
    assert refused(studio, {"person": cloth, "garment": GARMENT}) == ("mask_covers_all", "mask")


def test_without_its_weights_a_missing_mask_is_refused_with_what_is_missing(
    tryon: CatVTON, runner: asyncio.Runner, tmp_path: Path, files: dict[str, Path]
) -> None:
    studio = Studio(tryon, runner, tmp_path)
    with pytest.raises(InputError, match=r"perception/densepose\.onnx is not there.*send a 'mask'") as caught:
        studio.dress(files, mask=None)
    assert (caught.value.code, caught.value.field) == ("no_automask", "mask")
    assert refused(studio, files, garment=None, mask_only=True) == ("no_automask", "mask")


def test_one_missing_network_is_enough_to_find_no_mask(
    masking_weights: Path, masking: CatVTON, runner: asyncio.Runner, tmp_path: Path
) -> None:
    shutil.copytree(masking_weights / "perception", tmp_path / "perception")
    (tmp_path / "perception/parsing_atr.onnx").unlink()
    masker = Masker(tmp_path, masking.device)
    with pytest.raises(InputError, match=r"perception/parsing_atr\.onnx"):
        runner.run(masker(draw_labelled(), "upper"))


# -- once per picture --------------------------------------------------------------------------------------------


class Counted:
    """A session that counts."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.runs = 0

    def run(self, *arguments: Any) -> Any:
        self.runs += 1
        return self._session.run(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def counted(parsers: ThreeParsers) -> list[Counted]:
    networks = [cast("Parsing", parser).network for parser in (parsers.densepose, parsers.lip, parsers.atr)]
    sessions = [Counted(network.session) for network in networks]
    for network, session in zip(networks, sessions, strict=True):
        network.session = session
    return sessions


def test_one_look_serves_all_categories_even_at_once(
    masking_weights: Path, masking: CatVTON, runner: asyncio.Runner
) -> None:
    masker = Masker(masking_weights, masking.device)
    maker = masker.makers["published"]
    assert isinstance(maker, PublishedMaker)
    sessions = counted(maker.parsers)

    async def all_categories() -> list[Found]:
        photo = draw_labelled((192, 256))
        return await asyncio.gather(*(masker(photo, category) for category in get_args(Category)))

    masks = {found.mask.tobytes() for found in runner.run(all_categories())}
    assert len(masks) > 2
    assert [session.runs for session in sessions] == [1, 1, 1]
    runner.run(masker(draw_labelled((96, 128)), "upper"))
    assert [session.runs for session in sessions] == [2, 2, 2]


def test_pictures_of_equal_bytes_and_other_shape_are_other_pictures(
    masking_weights: Path, masking: CatVTON, runner: asyncio.Runner
) -> None:
    labelling = CachedLook(ThreeParsers(masking_weights), masking.device)
    for size in ((40, 20), (20, 40)):
        assert runner.run(labelling(Image.new("RGB", size, SHIRT))).lip.shape == size[::-1]


def test_the_pictures_asked_for_last_are_remembered(
    masking_weights: Path, masking: CatVTON, runner: asyncio.Runner
) -> None:
    photos = [Image.new("RGB", (10, 10), colour) for colour in (SHIRT, FACE, ARM)]
    parsers = ThreeParsers(masking_weights)
    labelling = CachedLook(parsers, masking.device, cache_bytes=2 * 3 * 100)
    (session, *_) = counted(parsers)
    for photo, runs in ((0, 1), (1, 2), (0, 2), (2, 3), (0, 3), (1, 4)):
        runner.run(labelling(photos[photo]))
        assert session.runs == runs


def test_a_picture_too_large_to_be_remembered_is_not(runner: asyncio.Runner) -> None:
    async def remembered(most_bytes: int) -> LabelMaps | None:
        recent, plane = Recent[LabelMaps](most_bytes, most_s=60), np.zeros((2, 2), np.uint8)
        recent.put(b"1", LabelMaps(plane, plane, plane))
        return recent.get(b"1")

    assert runner.run(remembered(12)) is not None
    assert runner.run(remembered(11)) is None


def test_labels_are_forgotten_when_their_time_is_over_also_those_just_used(runner: asyncio.Runner) -> None:
    async def use_until_forgotten() -> None:
        recent, plane = Recent[LabelMaps](100, most_s=0.05), np.zeros((2, 2), np.uint8)
        recent.put(b"1", LabelMaps(plane, plane, plane))
        assert recent.get(b"1") is not None
        while recent.get(b"1") is not None:
            await asyncio.sleep(0.01)

    runner.run(asyncio.wait_for(use_until_forgotten(), 180))


def test_label_maps_are_forgotten_when_encoded_pictures_are(runner: asyncio.Runner) -> None:
    plane, photo, looks = np.zeros((2, 2), np.uint8), draw_labelled((48, 64)), list[Image.Image]()

    def look(picture: Image.Image) -> LabelMaps:
        looks.append(picture)
        return LabelMaps(plane, plane, plane)

    async def look_until_looked_anew() -> None:
        looking = CachedLook(look, Device(CPU, config=DeviceConfig(latent_cache_s=0.05)))
        while len(looks) < 2:
            await looking(photo)
            await asyncio.sleep(0.01)

    runner.run(asyncio.wait_for(look_until_looked_anew(), 180))


def test_a_client_that_leaves_takes_nobody_along(
    masking_weights: Path, masking: CatVTON, runner: asyncio.Runner
) -> None:
    async def one_leaves() -> Image.Image:
        masker, photo = Masker(masking_weights, masking.device), draw_labelled((192, 256))
        leaver = asyncio.create_task(masker(photo, "upper"))
        await asyncio.sleep(0)
        stayer = asyncio.create_task(masker(photo, "upper"))
        await asyncio.sleep(0.002)
        leaver.cancel()
        return (await stayer).mask

    assert runner.run(one_leaves()).size == (192, 256)


def test_of_a_look_whose_client_left_others_get_what_it_saw(masking: CatVTON, runner: asyncio.Runner) -> None:
    """It is still one look at a time: a thread goes on when nobody waits for it any more."""
    begun, go_on, looks = threading.Event(), threading.Event(), []
    plane = np.zeros((2, 2), np.uint8)

    def look(picture: Image.Image) -> LabelMaps:
        looks.append(picture)
        begun.set()
        assert go_on.wait(180)
        return LabelMaps(plane, plane, plane)

    async def one_leaves() -> LabelMaps:
        looking, photo = CachedLook(look, masking.device), draw_labelled((48, 64))
        leaver, stayer = (asyncio.create_task(looking(photo)) for _ in range(2))
        assert await asyncio.to_thread(begun.wait, 180)
        leaver.cancel()
        await asyncio.gather(leaver, return_exceptions=True)
        go_on.set()
        return await stayer

    assert runner.run(one_leaves()).lip is plane
    assert len(looks) == 1


# -- weights -----------------------------------------------------------------------------------------------------


def test_the_networks_are_part_of_the_pack(masking_weights: Path) -> None:
    pack = EnginePack(masking_weights)
    names = [pack.name(file) for file in pack.files_of("catvton")]
    assert names[-3:] == ["perception/densepose.onnx", "perception/parsing_lip.onnx", "perception/parsing_atr.onnx"]
    (report,) = check(pack)
    assert report.problems == []


def test_a_broken_network_stops_the_start_and_check_names_it(
    masking_weights: Path, masking: CatVTON, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(masking_weights, tmp_path / "broken"))
    (broken / "perception/densepose.onnx").write_bytes(b"torn")
    (report,) = check(EnginePack(broken))
    assert ["densepose.onnx" in problem for problem in report.problems] == [True]
    with pytest.raises(WeightsError, match=r"densepose\.onnx"):
        Masker(broken, masking.device)


def test_the_label_maps_name_the_drawn_body(masking_weights: Path, masking: CatVTON, runner: asyncio.Runner) -> None:
    photo = draw_labelled((192, 256))
    before = global_generators()
    maps = ThreeParsers(masking_weights)(photo)
    assert global_generators() == before
    for colour, name in DENSEPOSE.items():
        assert (maps.densepose[where(photo, colour)] == name).mean() > 0.8
