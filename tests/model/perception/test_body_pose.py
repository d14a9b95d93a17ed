"""OpenPose's body network: its shape, and people found in its fields as by the reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from model.errors import WeightsError
from model.perception.body_pose.estimator import BodyPose
from model.perception.body_pose.fields import at_picture_size, seen
from model.perception.body_pose.network import BodyPoseNetwork
from model.perception.body_pose.people import people_of
from tests.server import ROOT

GOLDEN = ROOT.parent / "shared/golden/ootdiffusion/pose"
FILE_BYTES = 209_267_595  # of the published checkpoint
CASES: list[dict[str, Any]] = (
    json.loads((GOLDEN / "pose.json").read_bytes())["cases"] if GOLDEN.is_dir() else [{"name": "none"}]
)


def test_the_network_has_the_published_size() -> None:
    with torch.device("meta"):
        weights = BodyPoseNetwork().state_dict()
    assert len(weights) == 184
    assert 0 <= FILE_BYTES - 4 * sum(tensor.numel() for tensor in weights.values()) < 200 * len(weights)


def test_fields_are_an_eighth_of_the_picture() -> None:
    with torch.inference_mode(), torch.device("meta"):
        limbs, joints = BodyPoseNetwork()(torch.zeros((1, 3, 64, 48)))
    assert (limbs.shape, joints.shape) == ((1, 38, 8, 6), (1, 19, 8, 6))


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the reference data is not here")
def test_the_picture_is_seen_as_by_the_reference() -> None:
    with Image.open(GOLDEN / "net_input_picture.png") as opened:
        padded, shrunk = seen(np.asarray(opened.convert("RGB"))[..., ::-1])
    with Image.open(GOLDEN / "net_input_bgr_as_rgb.png") as opened:
        np.testing.assert_array_equal(padded, np.asarray(opened.convert("RGB")))
    assert shrunk == (184, 138)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the reference data is not here")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_people_are_the_references(case: dict[str, Any]) -> None:
    golden = np.load(GOLDEN / "pose.npz")
    joints, limbs = (
        at_picture_size(golden[f"{case['name']}_{kind}"].astype(np.float32), (184, 138), (512, 384))
        for kind in ("heat", "paf")
    )
    people, published = people_of(joints, limbs), golden[f"{case['name']}_subset"]
    assert len(people) == len(published)
    for body, row in zip(people, published, strict=True):
        assert [body.joints[j].id if j in body.joints else -1 for j in range(18)] == row[:18].tolist()
        assert body.score == pytest.approx(row[18], abs=1e-3)
        assert body.count == row[19]


def test_somebody_is_made_of_limbs_that_meet() -> None:
    """Two joints two centimetres apart have no limb between them where the field says nothing."""
    joints, limbs = np.zeros((60, 60, 19)), np.zeros((60, 60, 38))
    for joint, (x, y) in {1: (30, 10), 2: (20, 10), 3: (20, 30), 4: (20, 50)}.items():
        joints[y - 3 : y + 4, x - 3 : x + 4, joint] = 0.8
        joints[y, x, joint] = 1
    assert people_of(joints, limbs) == []
    limbs[10, 20:31, 12] = -1  # neck to shoulder
    limbs[10:51, 20, [15, 17]] = 1  # down the arm
    (body,) = people_of(joints, limbs)
    assert sorted(body.joints) == [1, 2, 3, 4]


def test_a_checkpoint_with_other_keys_is_refused(tmp_path: Path) -> None:
    torch.save({"conv1_1.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "body_pose_model.pth")
    with pytest.raises(WeightsError, match=r"body_pose_model\.pth: is not the body network's checkpoint"):
        BodyPose(tmp_path / "body_pose_model.pth")
