"""The networks' answer at the photo's size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.engines.warp.areas import Areas, areas
from model.engines.warp.compositing import dressed, in_whole
from model.engines.warp.garment import FlatGarment
from model.engines.warp.grids import identity
from model.engines.warp.guided_filter import guided
from model.engines.warp.inputs import HEIGHT, WIDTH
from model.engines.warp.legs import Legs, legs
from model.engines.warp.network import Fields
from model.engines.warp.old_garment import old_garment
from model.engines.warp.uncovered import uncovered

SIZE = 512, 384


def fields(logits: torch.Tensor, painted: float = 0.0) -> Fields:
    flow = identity(64, 48)
    coarse = identity(16, 12), identity(32, 24)
    return Fields(*coarse, flow, logits, logits, torch.zeros(1, 3, 32, 24), torch.full((1, 3, HEIGHT, WIDTH), painted))


def region(inside: tuple[slice, slice]) -> torch.Tensor:
    logits = torch.full((1, 1, HEIGHT, WIDTH), -20.0)
    logits[0, 0, inside[0], inside[1]] = 20
    return logits


def photo() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)


def plane(rows: slice, columns: slice) -> NDArray[np.float32]:
    made = np.zeros(SIZE, np.float32)
    made[rows, columns] = 1
    return made


def of(mask: NDArray[np.float32], hole: NDArray[np.float32], **known: Any) -> Areas:
    """Of a photo of which no more is known."""
    nothing = np.zeros_like(mask)
    return replace(Areas(mask, hole, nothing, nothing, nothing, nothing, Legs(nothing, nothing, nothing)), **known)


def checks() -> NDArray[np.uint8]:
    """A garment of single pixels at the photo's size, all over the picture."""
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[::2, ::2] = 255
    return picture


def test_what_is_neither_old_garment_nor_under_the_new_one_is_the_photo_bit_for_bit() -> None:
    before = photo()
    mask = plane(slice(60, 460), slice(60, 330))
    hole = plane(slice(200, 300), slice(150, 250))
    after = dressed(before, of(mask, hole), FlatGarment.of(checks()), fields(region((slice(60, 70), slice(30, 50)))))
    reach = 6  # an outline, where the guide is noise
    kept = np.ones(SIZE, bool)
    kept[200 - reach : 300 + reach, 150 - reach : 250 + reach] = False
    kept[60 * 4 - 8 : 70 * 4 + 8, 30 * 4 - 8 : 50 * 4 + 8] = False
    assert np.array_equal(after.result[kept], before[kept])
    assert (after.result[250, 180] != before[250, 180]).any()


def test_nothing_changes_beyond_the_mask() -> None:
    before = photo()
    mask = plane(slice(100, 400), slice(100, 300))
    everywhere = torch.full((1, 1, HEIGHT, WIDTH), 20.0)
    after = dressed(before, of(mask, mask), FlatGarment.of(checks()), fields(everywhere))
    assert np.array_equal(after.result[mask == 0], before[mask == 0])
    assert (after.result[250, 200] != before[250, 200]).any()


def test_the_garment_is_as_sharp_as_it_came() -> None:
    everywhere = torch.full((1, 1, HEIGHT, WIDTH), 20.0)
    mask = np.ones(SIZE, np.float32)
    after = dressed(photo(), of(mask, mask), FlatGarment.of(checks()), fields(everywhere))
    middle = after.result[100:400, 100:300].astype(int)
    assert np.abs(middle - checks()[100:400, 100:300]).max() <= 2


def test_a_garment_larger_than_it_is_seen_is_averaged_not_picked_from() -> None:
    fine = np.zeros((SIZE[0] * 4, SIZE[1] * 4, 3), np.uint8)
    fine[::2] = 255
    everywhere = torch.full((1, 1, HEIGHT, WIDTH), 20.0)
    mask = np.ones(SIZE, np.float32)
    after = dressed(photo(), of(mask, mask), FlatGarment.of(fine), fields(everywhere))
    assert np.abs(after.result[100:400, 100:300].astype(int) - 127).max() <= 12


def test_a_rough_plane_takes_on_the_photos_edge() -> None:
    picture = np.full((64, 64, 3), 40, np.uint8)
    picture[:, 32:] = 200
    rough = np.zeros((64, 64), np.float32)
    rough[:, 29:] = 1  # three pixels beside the edge
    refined = guided(picture, rough, 6)
    assert refined[32, 36:58].min() > 0.9
    assert refined[32, 29] < 0.5
    assert refined[32, :20].max() < 0.05


def test_the_hole_is_the_old_garment_within_the_mask_and_all_of_it_when_nobody_knows() -> None:
    atr = np.zeros((128, 96), np.uint8)
    atr[40:80, 30:60] = 4
    mask = np.zeros_like(atr)
    mask[30:70, 20:80] = 1
    hole = old_garment(atr, mask, "upper")
    assert hole[50, 45]
    assert not hole[75, 45]
    assert not hole[50, 70]
    assert np.array_equal(old_garment(atr, mask, "lower"), mask)


def test_an_arm_before_the_garment_has_its_own_edge_where_the_networks_were_vague() -> None:
    before = np.full((*SIZE, 3), 60, np.uint8)
    arm = plane(slice(0, 512), slice(180, 220))
    before[arm > 0] = 210
    mask = np.ones(SIZE, np.float32)
    vague = torch.full((1, 1, HEIGHT, WIDTH), 2.0)
    vague[..., 46:56] = -2.0  # a pixel of theirs, four of the photo's, too far to the right
    flat = FlatGarment.of(checks())
    sure = dressed(before, of(mask, 0 * mask, in_front=arm), flat, fields(vague)).region[256]
    assert sure[183:218].max() < 0.2
    assert min(sure[100:178].min(), sure[223:300].min()) > 0.8
    unsure = dressed(before, of(mask, 0 * mask), flat, fields(vague)).region[256]
    assert unsure[221] < 0.2  # nobody says where the arm ends


def test_paint_like_the_ground_becomes_the_ground_and_paint_like_skin_stays() -> None:
    before = np.full((*SIZE, 3), (90, 140, 200), np.uint8)
    skin = plane(slice(400, 512), slice(150, 230))
    before[skin > 0] = (190, 140, 110)
    ground = plane(slice(0, 512), slice(0, 100))
    painted = np.full((*SIZE, 3), (110, 130, 180), np.float32)  # a ground that is a little off
    painted[200:400, 150:230] = (180, 135, 115)
    seen = uncovered(before, painted, of(ground, ground, skin=skin, ground=ground))
    assert np.abs(seen[300, 300] - (90, 140, 200)).max() < 2
    assert np.abs(seen[300, 190] - (180, 135, 115)).max() < 2
    assert np.array_equal(uncovered(before, painted, of(ground, ground)), painted)


def test_labels_say_what_may_hang_before_a_garment_and_what_is_surely_skin_or_ground() -> None:
    atr, densepose, mask = np.zeros((3, 128, 96), np.uint8)
    mask[20:120, 10:86] = 1
    atr[30:80, 30:60], atr[30:80, 60:80] = 4, 14
    densepose[70:80, 60:80] = 3
    found = areas(mask, atr, densepose, "upper")
    assert found.hole[50, 45]
    assert found.in_front[50, 70]
    assert found.skin[50, 70]
    assert not found.skin[50, 60]  # beside the old garment
    assert found.ground[100, 20]
    assert not found.ground[75, 45]


def test_a_dress_under_a_top_is_worn_on_as_a_skirt_and_elsewhere_vanishes() -> None:
    """The top covers rows 128 to 256, its sleeve some of the columns beside it."""
    mask = plane(slice(64, 480), slice(96, 288))
    top = region((slice(32, 64), slice(30, 66)))
    top[0, 0, 32:40, 24:30] = 20
    shown = photo()
    worn = dressed(shown, of(mask, mask, skirt=mask), FlatGarment.of(checks()), fields(top, painted=1.0)).result
    skirt, above = (slice(300, 460), slice(120, 264)), (slice(80, 110), slice(120, 264))
    np.testing.assert_array_equal(worn[skirt], shown[skirt])
    assert (worn[above] != shown[above]).mean() > 0.9
    without = dressed(shown, of(mask, mask), FlatGarment.of(checks()), fields(top, painted=1.0)).result
    assert (without[skirt] != shown[skirt]).mean() > 0.9


def test_only_a_top_leaves_a_dress_on() -> None:
    atr = np.zeros((64, 48), np.uint8)
    atr[20:50, 10:40] = 7
    mask, nobody = np.ones_like(atr), np.zeros_like(atr)
    assert areas(mask, atr, nobody, "upper").skirt.any()
    assert not areas(mask, atr, nobody, "overall").skirt.any()
    atr[atr == 7] = 4
    assert not areas(mask, atr, nobody, "upper").skirt.any()


def test_specks_of_labels_are_no_garment() -> None:
    atr = np.zeros((128, 96), np.uint8)
    atr[20:80, 20:70], atr[100:102, 40:42] = 4, 4
    found = areas(np.ones_like(atr), atr, np.zeros_like(atr), "upper")
    assert found.hole[50, 45]
    assert not found.hole[101, 41]


def test_legs_that_trousers_hid_are_round_and_of_the_persons_own_skin() -> None:
    atr, densepose = np.zeros((2, *SIZE), np.uint8)
    atr[200:400, 120:264], atr[100:150, 60:90] = 6, 14
    densepose[200:400, 120:180], densepose[200:400, 204:264] = 8, 7
    before = np.full((*SIZE, 3), (90, 140, 200), np.uint8)
    before[atr == 14], before[atr == 6] = (190, 140, 110), (20, 20, 60)
    painted = np.full((*SIZE, 3), 128, np.float32)
    known = areas(np.ones_like(atr), atr, densepose, "lower")
    seen = uncovered(before, painted, known)[300]
    assert np.abs(seen[150] - (190, 140, 110)).max() < 6
    assert seen[150, 0] > seen[126, 0] + 20  # darker towards the edge
    assert np.abs(seen[192] - (90, 140, 200)).max() < 6  # the ground between the legs


def test_legs_under_a_skirt_and_arms_are_left_to_the_networks() -> None:
    atr, densepose = np.zeros((2, *SIZE), np.uint8)
    atr[200:400, 120:264], atr[100:200, 60:90] = 5, 4
    densepose[200:400, 120:264], densepose[100:200, 60:90] = 8, 15
    assert not legs(densepose, atr, np.ones_like(atr)).cover.any()


def test_what_a_frame_does_not_show_is_the_photo() -> None:
    whole = photo()
    near = slice(100, 356), slice(50, 242)
    mask = np.ones((256, 192), np.float32)
    worn = dressed(whole[near], of(mask, mask), FlatGarment.of(checks()), fields(torch.full((1, 1, 128, 96), 20.0)))
    result = in_whole(worn, whole, near)
    assert (result.result[near] != whole[near]).mean() > 0.9
    outside = np.ones(SIZE, bool)
    outside[near] = False
    np.testing.assert_array_equal(result.result[outside], whole[outside])
    assert not result.region[outside].any()
    assert in_whole(result, whole, (slice(0, 512), slice(0, 384))) is result
