"""Automatic masks, outfits and the mask-free variant through the whole service."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model.perception.label_maps import LabelMaps
from model.perception.overlap import mask_iou
from model.train.parsing.people import make_people
from model.tryon.automask import agnostic_mask
from tests.conftest import base64_of, encode
from tests.model.conftest import DATA
from tests.model.perception.pose_networks import write_detector
from tests.model.tryon.labelled import (
    ATR,
    FACE,
    LIP,
    SHIRT,
    TROUSERS,
    WALL,
    draw_labelled,
    where,
    write_networks,
    write_schp,
)
from tests.model.tryon.test_makers import FASHN, learnt_points, write_one_parser
from tests.serve.test_invocations import assert_problem
from tests.serve.test_tryon import LEVELS, difference, post, shown
from tests.server import GOLDEN, ROOT, Server, serving

CASES = ROOT.parent / "shared" / "cases"
QUICK = {"width": 96, "height": 128, "steps": 2, "seed": 1}


@pytest.fixture(scope="module")
def masking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("masking")
    weights = Path(shutil.copytree(DATA / "weights", folder / "weights"))
    write_networks(weights)
    write_schp(weights / "perception/parsing_lip.onnx", LIP, side=473, classes=20)
    write_schp(weights / "perception/parsing_atr.onnx", ATR, side=512, classes=18)
    with serving(folder, MODEL_DIR=weights, ENGINES="tryon") as server:
        yield server


@pytest.fixture(scope="module")
def person() -> str:
    return base64_of(encode(draw_labelled((192, 256))))


@pytest.fixture(scope="module")
def garment() -> str:
    return base64_of((DATA / "inputs/garment.png").read_bytes())


def pictures(server: Server, body: dict[str, Any]) -> dict[str, Image.Image]:
    response = post(server, body, "application/json")
    assert response.status_code == 200, response.text
    outputs = response.json()["outputs"]
    return {output["name"]: Image.open(io.BytesIO(base64.b64decode(output["data"]))) for output in outputs}


def test_a_photo_and_a_garment_are_enough(masking: Server, person: str, garment: str) -> None:
    body = {"person": person, "garment": garment, **QUICK, "return_mask": True}
    both = pictures(masking, body)
    assert list(both) == ["result.png", "mask.png"]
    mask = base64_of(encode(both["mask.png"]))
    assert difference(shown(post(masking, body | {"mask": mask})), both["result.png"]) == 0


def test_a_picture_answer_is_the_result_and_not_its_mask(masking: Server, person: str, garment: str) -> None:
    body = {"person": person, "garment": garment, **QUICK}
    assert difference(shown(post(masking, body | {"return_mask": True})), shown(post(masking, body))) == 0


@pytest.mark.parametrize("accept", ["image/png", "image/jpeg"])
def test_a_mask_alone_is_an_answer(masking: Server, person: str, accept: str) -> None:
    mask = np.asarray(shown(post(masking, {"person": person, "mask_only": True}, accept)))[..., 0]
    photo = draw_labelled((192, 256))
    assert (mask[where(photo, SHIRT)] >= 128).mean() > 0.95
    assert (mask[where(photo, FACE)] < 128).mean() > 0.85


def test_masks_alone_teach_nothing_about_the_device(masking: Server, person: str, garment: str) -> None:
    for _ in range(3):
        shown(post(masking, {"person": person, "mask_only": True}))
    shown(post(masking, {"person": person, "garment": garment, **QUICK}))


def test_an_outfit_is_one_request(masking: Server, person: str, garment: str) -> None:
    layers = [{"garment": garment, "category": "upper"}, {"garment": garment, "category": "lower"}]
    body = {"person": person, "layers": layers, **QUICK, "return_steps": True, "return_mask": True}
    files = pictures(masking, body)
    assert list(files) == ["result.png", "mask_1.png", "mask_2.png", "step_1.png", "step_2.png"]
    first = pictures(masking, {"person": person, "garment": garment, "category": "upper", **QUICK})
    assert difference(files["step_1.png"], first["result.png"]) == 0


def test_nobody_in_the_photo_is_said_by_name(masking: Server, garment: str) -> None:
    wall = base64_of(encode(Image.new("RGB", (96, 128), WALL)))
    assert_problem(post(masking, {"person": wall, "garment": garment, **QUICK}), 422, "no_person", "person")


def test_the_demo_networks_find_the_mask_of_a_made_up_person(tmp_path: Path) -> None:
    people = make_people(1, seed=2026, width=192, height=256)
    labels = LabelMaps(*(np.ascontiguousarray(plane) for plane in people.labels[0]))
    body = {"person": base64_of(encode(Image.fromarray(people.photos[0]))), "mask_only": True, "category": "upper"}
    with serving(tmp_path, MODEL_DIR="demo", ENGINES="tryon") as demo:
        mask = np.asarray(pictures(demo, body)["mask.png"].convert("L"))
        if (couple := CASES / "two_people.jpg").is_file():  # of whom one is dressed
            body["person"] = base64_of(couple.read_bytes())
            answer = post(demo, body, "application/json").json()
            assert "several_people" in [warning["code"] for warning in answer["warnings"]]
            of_two = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["outputs"][0]["data"]))).convert("L"))
            halves = of_two[:, : of_two.shape[1] // 2], of_two[:, of_two.shape[1] // 2 :]
            first, second = sorted(np.count_nonzero(half) for half in halves)
            assert first < second / 10
    assert mask_iou(mask > 0, agnostic_mask(labels, "upper") > 0) > 0.8


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({}, "no_automask", "mask"),
        ({"mask_only": True, "garment": None}, "no_automask", "mask"),
        ({"variant": "maskfree"}, "variant_not_loaded", "variant"),
        ({"mask_only": True}, "invalid_field", None),
    ],
)
def test_what_no_weights_are_there_for_is_refused_by_name(
    server: Server, person: str, garment: str, changes: dict[str, Any], code: str, field: str | None
) -> None:
    assert_problem(post(server, {"person": person, "garment": garment, **QUICK} | changes), 422, code, field)


def test_the_maskfree_picture_equals_the_references(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not GOLDEN.is_dir():
        pytest.skip("the golden data is not there")
    folder = GOLDEN / "catvton_maskfree"
    inputs = {name: base64_of((folder / f"inputs/{name}.png").read_bytes()) for name in ("person", "garment")}
    size = {"engine": "catvton", "width": 96, "height": 128, "steps": 4, "seed": 42}
    with serving(tmp_path_factory.mktemp("golden"), MODEL_DIR=GOLDEN, ENGINES="catvton") as server:
        picture = shown(post(server, {**inputs, **size, "variant": "maskfree", "repaint": False}))
        assert_problem(post(server, {**inputs, **size}), 422, "no_automask", "mask")
        body = {**inputs, **size, "variant": "maskfree", "return_mask": True}
        assert_problem(post(server, body), 422, "invalid_field", "return_mask")
    assert difference(picture, Image.open(folder / "cases/mf_w96h128_s4_g2.5/result_0.png")) <= LEVELS


def test_a_request_may_change_the_mask_and_learns_who_made_it(masking: Server, person: str, garment: str) -> None:
    body = {"person": person, "mask_only": True}
    plain, grown, boxed, kept = (
        post(masking, body | edits, "application/json").json()
        for edits in ({}, {"mask_grow": 0.05}, {"mask_shape": "box"}, {"mask_shape": "box", "keep": ["face", "hands"]})
    )
    assert plain["settings"]["masker"] == "published"
    assert plain["warnings"] == []
    areas = [
        (np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["outputs"][0]["data"])))) > 0).mean()
        for answer in (plain, grown, boxed, kept)
    ]
    assert areas[0] < areas[1]
    assert areas[0] < areas[2]
    assert areas[3] < areas[2]
    parser = post(masking, body | {"masker": "parser"}, "application/json").json()
    assert parser["settings"]["masker"] == "parser"
    assert [warning["code"] for warning in parser["warnings"]] == ["mask_not_published"]
    refused = post(masking, body | {"masker": "pose"}, "application/json")
    assert_problem(refused, 422, "no_automask", "masker")
    given = {"person": person, "garment": garment, "mask": person, "mask_grow": 0.05}
    assert_problem(post(masking, given, "application/json"), 422, "invalid_field")


def lying(colour: tuple[int, int, int]) -> str:
    """A garment of one colour on a wall."""
    picture = Image.new("RGB", (96, 128), WALL)
    picture.paste(colour, (20, 20, 76, 100))
    return base64_of(encode(picture))


def test_the_kind_of_a_garment_is_read_from_its_picture_and_told(masking: Server, person: str) -> None:
    body = {"person": person, "category": "auto", **QUICK, "return_mask": True}
    auto = post(masking, body | {"garment": lying(TROUSERS)}, "application/json").json()
    assert auto.get("settings", auto)["category"] == "lower", auto
    named = post(masking, body | {"garment": lying(TROUSERS), "category": "lower"}, "application/json").json()
    assert [output["data"] for output in auto["outputs"]] == [output["data"] for output in named["outputs"]]
    worn = post(masking, body | {"garment": person}, "application/json").json()
    assert worn["settings"]["category"] == "upper"
    layers = [{"garment": lying(SHIRT), "category": "auto"}, {"garment": lying(TROUSERS), "category": "auto"}]
    outfit = post(masking, {"person": person, "layers": layers, **QUICK}, "application/json").json()
    assert outfit["settings"]["categories"] == "upper, lower"
    both = {"garments": {"upper": lying(SHIRT), "lower": lying(TROUSERS)}}
    stacked = post(masking, {"person": person, "category": "auto", **both, **QUICK}, "application/json").json()
    assert stacked["settings"]["category"] == "overall"


def test_a_kind_that_cannot_be_seen_must_be_named(masking: Server, server: Server, person: str) -> None:
    body = {"person": person, "category": "auto", **QUICK}
    for where_to, garment in ((masking, lying(WALL)), (server, lying(SHIRT))):
        assert_problem(post(where_to, body | {"garment": garment}), 422, "category_unanswered", "category")
    assert_problem(post(masking, body | {"mask_only": True}), 422, "invalid_field", None)


def test_one_parser_a_pose_and_a_detector_mask_over_http(tmp_path: Path, person: str, garment: str) -> None:
    """FASHN's parser with a sidecar, BlazePose as its package ships it, YOLOX: files that anybody can download."""
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    from tests.model.perception.lite_networks import write_lite_blaze

    weights = Path(shutil.copytree(DATA / "weights", tmp_path / "weights"))
    write_one_parser(weights, "fashn", FASHN)
    write_lite_blaze(weights / "perception/pose.tflite", learnt_points(), np.zeros((39, 5)), sure=1.0)
    write_detector(weights / "perception/detector.onnx", np.zeros((84, 85)), 64)  # which finds nobody
    body = {"person": person, "mask_only": True}
    with serving(tmp_path, MODEL_DIR=weights, ENGINES="tryon") as server:
        for masker in ("pose", "parser"):
            answer = post(server, body | {"masker": masker}, "application/json").json()
            assert answer["settings"]["masker"] == masker
            assert [warning["code"] for warning in answer["warnings"]] == ["mask_not_published"]
            mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["outputs"][0]["data"]))).convert("L"))
            photo = draw_labelled((192, 256))
            assert (mask[where(photo, SHIRT)] == 255).mean() > 0.9
            assert (mask[where(photo, FACE)] == 0).mean() > 0.75
        worn = post(server, {"person": person, "garment": person, "category": "auto", **QUICK}, "application/json")
        assert worn.json()["settings"]["category"] == "upper"
        assert_problem(post(server, body | {"category": "outer"}), 422, "category_unanswered", "category")
        for masker in ("pose", "parser"):
            packshot = body | {"person": lying(SHIRT), "masker": masker}
            assert_problem(post(server, packshot), 422, "no_person", "person")
        assert_problem(post(server, body | {"masker": "published"}), 422, "no_automask", "masker")
