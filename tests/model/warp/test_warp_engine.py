"""The warping engine from files to files, on random networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from model.engines.check import check
from model.engines.pack import EnginePack
from model.engines.warp import checkpoint
from model.engines.warp.engine import Warp
from model.engines.warp.files import WEIGHTS, files
from model.engines.warp.request import Request
from model.errors import InputError, WeightsError
from model.samples import samples
from tests.model.warp.conftest import Shop
from tests.odd_pictures import P3

WIDTH, HEIGHT = 200, 256


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Path]:
    """A photo wider than it is dressed, a garment, a mask in the middle."""
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    garment = np.full((160, 120, 3), 255, np.uint8)
    garment[30:130, 20:100] = (180, 30, 40)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[80:180, 60:140] = 255
    return saved(tmp_path / "given", person=photo, garment=garment, mask=mask)


def saved(folder: Path, **pictures: NDArray[np.uint8]) -> dict[str, Path]:
    folder.mkdir()
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / f"{name}.png")
    return {name: folder / f"{name}.png" for name in pictures}


def sample(name: str) -> Path:
    return Path(samples.__file__).parent / "data" / name


def levels(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as picture:
        return np.asarray(picture)


def test_the_result_is_the_photo_outside_the_mask_bit_for_bit(shop: Shop, given: dict[str, Path]) -> None:
    result, photo = levels(shop.dress(given)["result.png"]), levels(given["person"])
    outside = levels(given["mask"]) == 0
    assert result.shape == photo.shape
    assert np.array_equal(result[outside], photo[outside])
    assert (result[~outside] != photo[~outside]).mean() > 0.5


def test_a_photo_in_another_colour_space_keeps_it_and_its_pixels(shop: Shop, given: dict[str, Path]) -> None:
    photo = Image.fromarray(levels(given["person"]))
    photo.save(given["person"], icc_profile=P3)
    with Image.open(shop.dress(given)["result.png"]) as result:
        assert result.info["icc_profile"] == P3
        after = np.asarray(result)
    outside = levels(given["mask"]) == 0
    assert np.array_equal(after[outside], np.asarray(photo)[outside])


def test_without_repaint_only_the_dressed_part_comes_at_the_size_asked_for(shop: Shop, given: dict[str, Path]) -> None:
    assert levels(shop.dress(given, repaint=False)["result.png"]).shape == (128, 96, 3)


def test_a_photo_larger_than_any_output_is_shrunk_first(shop: Shop, given: dict[str, Path]) -> None:
    result = levels(shop.dress(given, max_output_pixels=100 * 128)["result.png"])
    assert result.shape == (128, 100, 3)


def test_flow_and_warped_garment_are_given_out(shop: Shop, given: dict[str, Path]) -> None:
    out = shop.dress(given, return_flow=True, return_warped=True, return_mask=True)
    assert sorted(out) == ["flow.png", "mask.png", "result.png", "warped.png"]
    warped = levels(out["warped.png"])
    flow = cv2.imread(str(out["flow.png"]), cv2.IMREAD_UNCHANGED)
    assert flow is not None
    part = HEIGHT, HEIGHT * 96 // 128
    assert warped.shape == (*part, 4)
    assert flow.shape == (*part, 3)
    assert flow.dtype == np.uint16
    assert np.abs(flow[..., 0] / 65535 - warped[..., 3] / 255).max() < 0.01  # both say where the garment is
    red_middle = flow[100:150, 80:110, 2].mean() / 65535
    assert 0.2 < red_middle < 0.8


def test_requests_together_are_as_each_alone(shop: Shop, given: dict[str, Path], tmp_path: Path) -> None:
    other = np.full((140, 120, 3), 240, np.uint8)
    other[30:110, 20:100] = (20, 130, 40)
    second = given | saved(tmp_path / "second", garment=other)
    together = shop.dress_all([given, second, given])
    assert levels(together[0]).tolist() == levels(together[2]).tolist()
    alone = levels(shop.dress(second)["result.png"]).astype(int)
    assert np.abs(levels(together[1]).astype(int) - alone).max() <= 1
    assert np.abs(levels(together[0]).astype(int) - alone).max() > 20


def test_layers_go_on_one_after_the_other(labelling_shop: Shop, tmp_path: Path) -> None:
    files_ = {
        "person": sample("mira.png"),
        "layers.0.garment": sample("stripes.png"),
        "layers.1.garment": sample("stripes.png"),
    }
    layers = [{"garment": "g", "category": "lower"}, {"garment": "g", "category": "upper"}]
    out = labelling_shop.dress(files_, layers=layers, return_steps=True)
    first, last = levels(out["step_1.png"]), levels(out["result.png"])
    assert np.array_equal(last, levels(out["step_2.png"]))
    assert (first != last).any()
    assert (first != np.asarray(Image.open(files_["person"]).convert("RGB"))).any()


def test_with_labels_a_mask_is_found_and_hands_and_face_stay(labelling_shop: Shop) -> None:
    files_ = {"person": sample("mira.png"), "garment": sample("stripes.png")}
    out = labelling_shop.dress(files_, return_mask=True)
    photo = np.asarray(Image.open(files_["person"]).convert("RGB"))
    result, mask = levels(out["result.png"]), levels(out["mask.png"])
    assert np.array_equal(result[mask == 0], photo[mask == 0])
    assert (result != photo).any()


def test_without_labels_a_mask_must_be_sent(shop: Shop, given: dict[str, Path]) -> None:
    del given["mask"]
    with pytest.raises(InputError, match="no mask was sent"):
        shop.dress(given)


def test_a_mask_outside_the_dressed_part_is_refused(shop: Shop, given: dict[str, Path], tmp_path: Path) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:, :3] = 255
    with pytest.raises(InputError, match="empty where the person was cropped"):
        shop.dress(given | saved(tmp_path / "aside", mask=mask), crop="centre")


@pytest.mark.parametrize("columns", [slice(0, 40), slice(160, 200), slice(0, 200)], ids=["left", "right", "all across"])
def test_a_mask_beside_the_middle_is_dressed_where_it_is(
    shop: Shop, given: dict[str, Path], tmp_path: Path, columns: slice
) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[60:200, columns] = 255
    out = shop.dress(given | saved(tmp_path / "beside", mask=mask))
    result, photo = levels(out["result.png"]), levels(given["person"])
    assert np.array_equal(result[mask == 0], photo[mask == 0])
    assert (result[mask > 0] != photo[mask > 0]).mean() > 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples": 2},
        {"garment": None, "garments": {"upper": "a", "lower": "b"}},
        {"steps": 4},
        {"variant": "mask"},
        {"mask": None, "garment": None, "mask_only": True, "return_flow": True},
    ],
)
def test_what_it_cannot_do_is_refused(wrong: dict[str, Any]) -> None:
    body = {"person": "p", "garment": "g", "mask": "m"} | wrong
    with pytest.raises(ValidationError):
        Request.model_validate({name: value for name, value in body.items() if value is not None})


def test_work_grows_with_size_and_layers() -> None:
    small, large = (
        Request.model_validate({"person": "p", "garment": "g", "width": width, "height": height}).work()
        for width, height in ((384, 512), (768, 1024))
    )
    assert 0 < small < large == pytest.approx(1)
    layers = [{"garment": "g", "category": category} for category in ("lower", "upper")]
    assert Request.model_validate({"person": "p", "layers": layers}).work() == pytest.approx(2)
    assert Request.model_validate({"person": "p", "mask_only": True}).work() == 0


def test_a_pack_is_checked_key_for_key(warp_weights: Path, shop: Shop, tmp_path: Path) -> None:
    (report,) = check(EnginePack(warp_weights))
    assert report.engine == "warp"
    assert report.problems == []
    assert report.bytes_on_disk < 6.5e6
    tensors = load_file(warp_weights / WEIGHTS)
    del tensors["flow_network.attention.scale"]
    (tmp_path / WEIGHTS).parent.mkdir()
    save_file(tensors, tmp_path / WEIGHTS)
    (broken,) = check(EnginePack(tmp_path))
    assert "missing key 'flow_network.attention.scale'" in broken.problems[0]
    with pytest.raises(WeightsError, match="attention"):
        Warp(tmp_path, shop.device)


def test_label_networks_are_its_files_only_beside_its_own(labelling_weights: Path, tmp_path: Path) -> None:
    assert len(files(labelling_weights)) == 4
    (labelling_weights / WEIGHTS).rename(tmp_path / "away")
    assert len(files(labelling_weights)) == 1
    (tmp_path / "away").rename(labelling_weights / WEIGHTS)
    assert len(checkpoint.parts(labelling_weights)) == 4
