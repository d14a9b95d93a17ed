"""People framed for the pose network: joints stay on what they name, and left stays the person's left."""

from __future__ import annotations

import numpy as np
import pytest

from model.perception.pose import framed as asked
from model.perception.pose import in_picture
from model.perception.skeletons import COCO_18, coco_18
from model.train.parsing.people import ParsedPeople
from model.train.pose.framing import COCO_17, box_of, framed, mirrored, varied
from model.train.pose.network import HEIGHT, WIDTH

NOSE, LEFT_WRIST = (70.5, 40.5), (110.5, 120.5)


def spots() -> ParsedPeople:
    """A grey figure with a red nose and a green left wrist."""
    photo, labels = np.zeros((1, 256, 192, 3), np.uint8), np.zeros((1, 3, 256, 192), np.uint8)
    labels[0, :, 30:200, 40:130] = 4
    photo[0][labels[0, 0] > 0] = 60
    joints = np.zeros((1, 18, 3), np.float32)
    for name, (x, y), colour in (("nose", NOSE, (255, 0, 0)), ("left_wrist", LEFT_WRIST, (0, 255, 0))):
        photo[0, int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4] = colour
        joints[0, COCO_18.index(name)] = (x, y, 1)
    return ParsedPeople(photo, labels, joints)


def middle(photo: np.ndarray, channel: int) -> np.ndarray:
    """Of what is of one colour: x, y."""
    levels = photo.astype(int)
    bright = levels[..., channel] - levels.sum(-1) / 3
    weight = np.where(bright > 0.6 * bright.max(), bright, 0)
    y, x = np.mgrid[: photo.shape[0], : photo.shape[1]]
    return np.asarray(np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum())


@pytest.mark.parametrize("seed", range(6))
def test_joints_lie_on_what_they_name(seed: int) -> None:
    photo, joints = varied(spots(), 0, np.random.default_rng(seed))
    assert photo.shape == (HEIGHT, WIDTH, 3)
    assert joints.shape == (17, 3)
    assert joints[:, 2].sum() == (joints[:, 2] > 0).sum() <= 2
    nose = joints[COCO_17.index("nose")]
    if nose[2]:
        assert np.abs(middle(photo, 0) - nose[:2]).max() < 1.5
    wrists = joints[[COCO_17.index("left_wrist"), COCO_17.index("right_wrist")]]
    for wrist in wrists[wrists[:, 2] > 0]:
        assert np.abs(middle(photo, 1) - wrist[:2]).max() < 1.5


def test_the_network_is_trained_on_what_it_is_asked() -> None:
    """The frame is that of `model.perception.pose`, and its joints come back to the photo."""
    photo, joints = framed(spots(), 0)
    from PIL import Image

    seen, back = asked(Image.fromarray(spots().photos[0]), box_of(spots().labels[0]), (WIDTH, HEIGHT), 1.25)
    assert (photo == seen).all()
    found = coco_18(in_picture(joints.astype(np.float64), back))
    np.testing.assert_allclose(found[0, :2] + 0.5, NOSE, atol=1e-3)
    np.testing.assert_allclose(found[COCO_18.index("left_wrist"), :2] + 0.5, LEFT_WRIST, atol=1e-3)


def test_in_the_mirror_left_is_right() -> None:
    photo, joints = framed(spots(), 0)
    mirror, turned = mirrored(photo, joints)
    left, right = COCO_17.index("left_wrist"), COCO_17.index("right_wrist")
    assert turned[right, 0] == WIDTH - 1 - joints[left, 0]
    assert not turned[left].any()
    back, same = mirrored(mirror, turned)
    assert (back == photo).all()
    np.testing.assert_allclose(same, joints, atol=1e-4)


def test_where_nobody_is_all_of_the_photo_is_framed() -> None:
    assert box_of(np.zeros((3, 40, 30), np.uint8)) == (0, 0, 30, 40)
