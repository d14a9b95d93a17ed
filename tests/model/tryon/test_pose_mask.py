"""OOTDiffusion's mask and the parsing before it: as the reference made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from model.perception.parsing import Labels, most_likely, to_square, warp
from model.tryon.necked_parsing import NECK, with_neck
from model.tryon.pose_mask import ARM_WIDTHS, Clothes, pose_mask
from tests.server import ROOT

GOLDEN = ROOT.parent / "shared/golden/ootdiffusion"
CLOTHES: dict[str, Clothes] = {"upper_body": "upper", "lower_body": "lower", "dresses": "dress"}


def cases(name: str) -> list[dict[str, Any]]:
    file = GOLDEN / name / f"{name}.json"
    return json.loads(file.read_bytes())["cases"] if file.is_file() else []


def picture(file: Path, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    with Image.open(file) as opened:
        return np.asarray(opened if size is None else opened.resize(size, Image.Resampling.NEAREST))


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the reference data is not here")
def test_masks_are_the_references() -> None:
    """Within 1.5 % of the mask or 100 pixels; where joints lie outside the picture the reference draws a stripe."""
    compared = 0
    for case in cases("masks"):
        size = case["width"], case["height"]
        joints = np.array(case["keypoints"]) * case["height"] / 512
        if case["near_tie"] or outside(joints):
            continue
        labels = picture(GOLDEN / "masks" / f"{case['labels']}.png", size)
        mask = pose_mask(labels, joints, CLOTHES[case["category"]], ARM_WIDTHS[case["model_type"]])
        published = picture(GOLDEN / "masks" / case["mask"]) > 0
        assert (mask != published).sum() <= max(100, 0.015 * published.sum()), case["mask"]
        compared += 1
    assert compared > 50


def outside(joints: NDArray[np.float64]) -> bool:
    """Whether a wrist, drawn a fifth farther out, leaves the picture at the top or left."""
    return any((joints[elbow] + 1.2 * (joints[wrist] - joints[elbow]) < 0).any() for elbow, wrist in ((3, 4), (6, 7)))


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the reference data is not here")
@pytest.mark.parametrize("case", cases("parsing"), ids=lambda case: case["name"])
def test_parsings_are_the_references(case: dict[str, Any]) -> None:
    logits = np.load(GOLDEN / "parsing/parsing.npz")
    atr, lip = (
        labels_of(logits[f"{case['name']}_{name}_logits_x4"].astype(np.float32) / 4, side)
        for name, side in (("atr", 512), ("lip", 473))
    )
    assert (with_neck(atr, lip) != picture(GOLDEN / "parsing" / f"{case['name']}_labels.png")).sum() <= 10


def labels_of(logits: NDArray[np.float32], side: int) -> Labels:
    def back(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        square = F.interpolate(torch.from_numpy(plane)[None, None], (side, side), mode="bilinear", align_corners=True)
        return warp(square[0, 0].numpy(), to_square((384, 512), side), (384, 512), inverse=True)

    return most_likely(logits, back)


def person(height: int = 512) -> tuple[Labels, NDArray[np.float64]]:
    """Somebody with bare arms hanging down: labels of ATR and joints of COCO-18."""
    labels = np.zeros((512, 384), np.uint8)
    labels[60:130, 165:220], labels[130:150, 180:205] = 11, NECK
    labels[150:300, 140:245], labels[300:480, 150:235] = 4, 6
    labels[160:330, 245:275], labels[160:330, 110:140] = 14, 15
    joints = np.zeros((18, 2))
    joints[[2, 3, 4]] = (130, 165), (125, 230), (125, 290)
    joints[[5, 6, 7]] = (255, 165), (260, 230), (260, 290)
    scale = height / 512
    size = round(384 * scale), height
    return np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST)), joints * scale


@pytest.mark.parametrize("clothes", ["upper", "dress"])
def test_hands_and_face_stay_and_arms_are_painted(clothes: Clothes) -> None:
    mask = pose_mask(*person(), clothes, 45)
    assert mask[170:280, 130:250].all()
    assert not mask[60:125, 170:215].any()
    assert not mask[327:330, 112:138].any()  # fingers
    assert mask[400, 190] == (clothes == "dress")


def test_a_lower_garment_leaves_arms_and_top_alone() -> None:
    mask = pose_mask(*person(), "lower", 45)
    assert mask[320:470, 155:230].all()
    assert not mask[:295].any()


def test_an_arm_without_a_wrist_is_painted_as_it_is_seen() -> None:
    labels, joints = person()
    joints[4] = 0
    mask = pose_mask(labels, joints, "upper", 45)
    assert mask[325, 112:138].all()
    assert not mask[327:330, 247:273].any()


def test_a_joint_outside_the_picture_makes_no_stripe() -> None:
    labels, joints = person()
    joints[3], joints[4] = (30, 100), (2, 60)
    mask = pose_mask(labels, joints, "upper", 45)
    assert not mask[:20].any()
    assert not mask[:, 330:].any()


def test_arms_are_as_wide_at_any_size() -> None:
    small, large = pose_mask(*person(), "upper", 60), pose_mask(*person(1024), "upper", 60)
    halved = large[::2, ::2]
    assert (small != halved).mean() < 0.04


def test_a_hole_in_clothes_is_closed_and_an_open_jacket_is_not() -> None:
    labels = np.zeros((512, 384), np.uint8)
    labels[100:400, 100:280] = 4
    lip = np.zeros_like(labels)
    hole, opening = labels.copy(), labels.copy()
    hole[200:220, 150:170] = 6
    opening[150:350, 150:200] = 6
    assert (with_neck(hole, lip)[200:220, 150:170] == 4).all()
    assert (with_neck(opening, lip)[150:350, 150:200] == 6).all()
