"""Label maps and keypoints of somebody whose every pixel is known."""

from __future__ import annotations

import numpy as np
import pytest

from model.body.joints import JOINTS
from model.clothes.buffers import BodyLayer, Buffers
from model.perception.label_maps import LabelMaps
from model.synthetic.fabrics.fabrics import Fabric
from model.synthetic.fabrics.garments import Garment
from model.synthetic.people.keypoints import NAMES, keypoints, with_visibility
from model.synthetic.scene.labels import atr_labels, densepose_labels, halved, lip_labels
from model.tryon.automask import agnostic_mask
from tests.model.synthetic.made_buffers import BODY_MODEL, DISTANCE, dressed, naked, on_screen, posed

GREY = (0.5, 0.5, 0.5)
PLAIN = Fabric("plain", (GREY, GREY, GREY))
TROUSERS = Garment("trousers", PLAIN, GREY, hem=-0.3)
TOP = Garment("tshirt", PLAIN, GREY, hem=-0.06)


@pytest.fixture(scope="module")
def buffers() -> Buffers:
    return halved(dressed(naked(), [TROUSERS, TOP]))


def nearest(buffers: Buffers, *place: float) -> tuple[int, int]:
    """The pixel that shows about this place of the template."""
    away = np.linalg.norm(buffers.places - np.array(place, np.float32), axis=-1) + 9 * (buffers.layers == 0)
    row, column = np.unravel_index(away.argmin(), away.shape)
    return int(row), int(column)


@pytest.mark.parametrize(
    ("place", "lip", "atr"),
    [
        ((0, 0.78, 0.05), 2, 2),
        ((0, 0.65, 0.15), 13, 11),
        ((0, 0.52, 0.07), 0, 11),
        ((0, 0.30, 0.14), 5, 4),
        ((0.55, 0.44, 0.05), 14, 14),
        ((-0.55, 0.44, 0.05), 15, 15),
        ((0.12, -0.20, 0.1), 9, 6),
        ((0.12, -0.60, 0.05), 16, 12),
        ((-0.12, -0.60, 0.05), 17, 13),
        ((0.15, -0.88, 0.15), 18, 9),
        ((-0.15, -0.88, 0.15), 19, 10),
    ],
)
def test_lip_and_atr_name_what_is_worn_and_whose_side_it_is(
    buffers: Buffers, place: tuple[float, float, float], lip: int, atr: int
) -> None:
    pixel = nearest(buffers, *place)
    assert lip_labels(buffers, TROUSERS)[pixel] == lip
    assert atr_labels(buffers, TROUSERS)[pixel] == atr


def test_a_skirt_is_not_trousers_and_a_dress_neither(buffers: Buffers) -> None:
    skirt = Garment("skirt", PLAIN, GREY, hem=-0.4)
    lower = buffers.layers == BodyLayer.LOWER
    assert set(lip_labels(buffers, skirt)[lower]) == {12}
    assert set(atr_labels(buffers, skirt)[lower]) == {5}
    dress = halved(dressed(naked(), [Garment("dress", PLAIN, GREY, hem=-0.4)]))
    one_piece = dress.layers == BodyLayer.ONE_PIECE
    assert one_piece.sum() > 1000
    assert set(lip_labels(dress, None)[one_piece]) == {6}
    assert set(atr_labels(dress, None)[one_piece]) == {7}


def test_straps_leave_shoulders_that_belong_to_the_arms() -> None:
    top = Garment("tank_top", PLAIN, GREY, hem=-0.06, sleeve=0.13, neck_depth=0.1)
    bare = halved(dressed(naked(), [TROUSERS, top]))
    assert lip_labels(bare, TROUSERS)[nearest(bare, 0.165, 0.48, 0.03)] == 14


@pytest.mark.parametrize(
    ("place", "front", "back"),
    [
        ((0.0, 0.3, 0.0), 2, 1),
        ((-0.12, -0.25, 0.0), 9, 7),
        ((0.12, -0.25, 0.0), 10, 8),
        ((-0.13, -0.6, 0.0), 13, 11),
        ((0.13, -0.6, 0.0), 14, 12),
        ((0.15, -0.88, 0.05), 5, 5),
        ((-0.15, -0.88, 0.05), 6, 6),
        ((-0.75, 0.44, 0.0), 3, 3),
        ((0.75, 0.44, 0.0), 4, 4),
        ((0.03, 0.7, 0.0), 24, 24),
        ((-0.03, 0.7, 0.0), 23, 23),
    ],
)
def test_densepose_knows_sides_front_and_back(place: tuple[float, float, float], front: int, back: int) -> None:
    x, y, z = place
    before, behind = naked(), naked(behind=True)
    assert densepose_labels(before)[nearest(before, x, y, z + 0.1)] == front
    assert densepose_labels(behind)[nearest(behind, x, y, z - 0.1)] == back


def test_densepose_tells_arms_apart_and_the_inside_from_the_outside() -> None:
    labels, places = densepose_labels(naked()), naked().places
    above = places[..., 1] > 0.46
    for x, outside, inside in ((0.3, 17, 15), (-0.3, 18, 16), (0.55, 21, 19), (-0.55, 22, 20)):
        near = (np.abs(places[..., 0] - x) < 0.03) & (naked().layers > 0) & (np.abs(places[..., 1] - 0.445) < 0.1)
        assert set(labels[near & above]) == {outside}
        assert set(labels[near & (places[..., 1] < 0.44)]) == {inside}


def test_densepose_sees_the_body_under_clothes(buffers: Buffers) -> None:
    np.testing.assert_array_equal(densepose_labels(buffers), densepose_labels(halved(naked())))
    assert ((densepose_labels(buffers) > 0) == (buffers.layers > 0)).all()


def test_the_published_mask_of_these_maps_covers_the_garment_and_spares_the_rest(buffers: Buffers) -> None:
    maps = LabelMaps(densepose_labels(buffers), lip_labels(buffers, TROUSERS), atr_labels(buffers, TROUSERS))
    mask = agnostic_mask(maps, "upper") > 0
    face = maps.lip == 13
    assert mask[buffers.layers == BodyLayer.UPPER].mean() > 0.99
    assert not mask[face].any()
    assert mask[buffers.layers == BodyLayer.LOWER].mean() < 0.2


def test_keypoints_lie_on_what_they_name() -> None:
    points = dict(zip(NAMES, keypoints(posed().joints.numpy()), strict=True))
    vertices = posed().vertices.numpy()
    template = BODY_MODEL.template.numpy()
    nose = vertices[np.linalg.norm(template - (0, 0.641, 0.156), axis=1).argmin()]
    ear = vertices[np.linalg.norm(template - (0.077, 0.662, 0.036), axis=1).argmin()]
    np.testing.assert_allclose(points["nose"], nose, atol=0.006)
    np.testing.assert_allclose(points["left_ear"], ear, atol=0.015)
    assert points["left_wrist"][0] > points["left_elbow"][0] > points["left_shoulder"][0] > 0 > points["right_ear"][0]
    assert points["neck"][0] == pytest.approx(0, abs=1e-3)


def test_the_head_takes_its_keypoints_along() -> None:
    joints = posed().joints.numpy()
    angle = 0.7
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]], dtype=np.float32
    )
    np.testing.assert_allclose(keypoints(2 * joints @ turn.T), 2 * keypoints(joints) @ turn.T, atol=1e-5)


def test_keypoints_are_seen_hidden_or_outside() -> None:
    def projected(behind: bool, up: float) -> np.ndarray:
        turn = np.array([-1, 1, -1] if behind else [1, 1, 1], np.float32)
        points = keypoints(posed().joints.numpy()) * turn
        clip = on_screen(posed().joints.new_tensor(points), 192 / 256).numpy()
        pixels = (clip[:, :2] + 1) / 2 * np.array([192, 256]) - np.array([0, up])
        return with_visibility(pixels, DISTANCE - points[:, 2], naked(behind=behind).depths)

    front = dict(zip(NAMES, projected(False, 0), strict=True))
    back = dict(zip(NAMES, projected(True, 0), strict=True))
    assert all(point[2] == 1 for point in front.values())
    assert back["nose"][2] == 0.5
    assert back["left_wrist"][2] == 1
    assert back["left_wrist"][0] < 96 < front["left_wrist"][0]
    outside = dict(zip(NAMES, projected(False, 100), strict=True))
    np.testing.assert_array_equal(outside["nose"], [0, 0, 0])
    assert len(JOINTS) == len(posed().joints)
