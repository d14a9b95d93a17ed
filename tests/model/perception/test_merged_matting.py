"""What the photo's border cuts comes from the light matte, and nothing else does."""

from __future__ import annotations

import numpy as np
from PIL import Image

from model.perception.merged_matting import MergedMatting, merged


def planes() -> tuple[np.ndarray, np.ndarray]:
    """A trunk in both, an arm to the left border in the light one, and its clouds."""
    sharp, light = np.zeros((200, 150), np.uint8), np.zeros((200, 150), np.uint8)
    sharp[40:200, 60:100] = light[40:200, 58:102] = 255  # the soft outline is larger
    light[60:80, 0:60] = 200
    light[0:30, 120:150] = 255  # touches the border, not the person
    light[120:150, 100:130] = 255  # touches the person, not the border
    return sharp, light


def test_an_arm_that_leaves_the_photo_is_added_and_clouds_are_not() -> None:
    sharp, light = planes()
    both = merged(sharp, light)
    assert (both[60:80, 0:60] >= 200).all()
    assert not both[0:30, 120:150].any()
    assert not both[120:150, 104:130].any()
    assert (both[sharp > 0] == 255).all()
    assert (both[150:, :56] == 0).all()


def test_without_anything_to_add_the_sharp_matte_stays_as_it_is() -> None:
    sharp, light = planes()
    light[60:80, 0:20] = 0
    assert (merged(sharp, light) == sharp).all()


class FixedMatting:
    def __init__(self, levels: np.ndarray) -> None:
        self._levels = levels

    def alpha(self, picture: Image.Image) -> Image.Image:
        return Image.fromarray(self._levels).resize(picture.size, Image.Resampling.NEAREST)


def test_two_mattings_are_one() -> None:
    sharp, light = planes()
    alpha = MergedMatting(FixedMatting(sharp), FixedMatting(light)).alpha(Image.new("RGB", (150, 200)))
    assert (np.asarray(alpha) == merged(sharp, light)).all()
