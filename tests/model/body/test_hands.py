"""Where the hands are, from each source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.body.hands import hands
from model.body.smplx import BodyModel, read_body
from model.errors import WeightsError
from tests.model.body.small import write


def test_without_files_hands_follow_the_skinning_weights(body: BodyModel) -> None:
    found = hands(body)
    dominant = body.weights.argmax(1)
    expected = (dominant == 20) | (dominant == 21) | (dominant >= 25)
    assert 0 < expected.sum() < len(expected)
    assert torch.equal(found.near_wrist_vertex_mask, expected)
    assert torch.equal(found.face_mask, torch.stack([expected[corner] for corner in body.faces.T]).any(0))


def test_hand_faces_touch_a_listed_vertex(tmp_path: Path) -> None:
    body = read_body(write(tmp_path / "body.npz"))
    np.savez(tmp_path / "hands.npz", left_hand=np.array([0]), right_hand=np.array([5]))
    found = hands(body, tmp_path / "hands.npz")
    assert found.face_mask.tolist() == [True, False, False, True]
    assert not found.near_wrist_vertex_mask.any()  # no joint of this body is a hand's


def test_landmarks_from_20_are_near_the_wrist(tmp_path: Path) -> None:
    body = read_body(write(tmp_path / "body.npz"))
    np.save(tmp_path / "landmarks.npy", np.array([0, 19, 20, 21, 54, 3]))
    found = hands(body, landmark_ids=tmp_path / "landmarks.npy")
    assert found.near_wrist_vertex_mask.tolist() == [False, False, True, True, True, False]
    assert not found.face_mask.any()


@pytest.mark.parametrize("left", [np.array([6]), np.array([-1]), np.array([[0]]), np.array([0.0])])
def test_hand_ids_that_do_not_fit_are_refused(tmp_path: Path, left: np.ndarray) -> None:
    body = read_body(write(tmp_path / "body.npz"))
    np.savez(tmp_path / "hands.npz", left_hand=left, right_hand=np.array([0]))
    with pytest.raises(WeightsError, match="left_hand"):
        hands(body, tmp_path / "hands.npz")


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    body = read_body(write(tmp_path / "body.npz"))
    np.savez(tmp_path / "half.npz", left_hand=np.array([0]))
    np.save(tmp_path / "short.npy", np.zeros(5))
    (tmp_path / "ids.pkl").write_bytes(b"\x80\x04N.")
    for name in ("half.npz", "ids.pkl", "absent.npz", "short.npy"):
        with pytest.raises(WeightsError, match=name):
            hands(body, hand_ids=tmp_path / name)
    for name in ("half.npz", "ids.pkl", "absent.npy", "short.npy"):
        with pytest.raises(WeightsError, match=name):
            hands(body, landmark_ids=tmp_path / name)
