"""Colours found by attention in place space."""

from __future__ import annotations

import numpy as np
import pytest

from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer
from model.engines.template.gathering import Keys, gathered
from model.engines.template.labels import LabelledPixels
from model.engines.template.views import ViewPixels, normal_pictures, painted, view_geometry
from model.mesh.cameras import AZIMUTHS
from model.synthetic.datasets.a_pose_views import a_pose_views
from model.synthetic.datasets.loose_photos import somebody
from model.synthetic.people.body import body_model, wardrobe
from tests.model.template.truth import Truth, truth


def half_a_sheet(layer: BodyLayer, colour: Floats, trust: float = 1.0) -> Keys:
    """Pixels a centimetre apart of a sheet on the body's left."""
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(0.05, 0.15, 0.01), np.arange(0, 0.1, 0.01)))
    places = np.stack([x, y, np.zeros_like(x)], 1).astype(np.float32)
    count = len(places)
    layers, trusts = np.full(count, layer, np.uint8), np.full(count, trust, np.float32)
    return Keys(layers, places, trusts, np.tile(colour, (count, 1)))


RED, BLUE = np.array([1, 0, 0], np.float32), np.array([0, 0, 1], np.float32)


def asked(keys: Keys, layer: BodyLayer, *place: float) -> Floats:
    colours = gathered(keys, np.array([layer], np.uint8), np.array([place], np.float32))
    return colours.reshape(3)


def both(one: Keys, other: Keys) -> Keys:
    parts = zip(vars(one).values(), vars(other).values(), strict=True)
    return Keys(*(np.concatenate(part) for part in parts))


def test_a_point_has_the_colour_of_its_layer_there() -> None:
    keys = both(half_a_sheet(BodyLayer.UPPER, RED), half_a_sheet(BodyLayer.SKIN, BLUE))
    assert asked(keys, BodyLayer.UPPER, 0.1, 0.05, 0) == pytest.approx(RED, abs=1e-3)
    assert asked(keys, BodyLayer.SKIN, 0.1, 0.05, 0) == pytest.approx(BLUE, abs=1e-3)


def test_what_no_photo_shows_is_taken_from_the_other_side() -> None:
    far = half_a_sheet(BodyLayer.UPPER, BLUE)
    far.places[:] += np.array([0, 1, 0], np.float32)
    keys = both(half_a_sheet(BodyLayer.UPPER, RED), far)
    assert asked(keys, BodyLayer.UPPER, -0.1, 0.05, 0) == pytest.approx(RED, abs=0.05)


def test_what_shows_on_neither_side_has_the_mean_colour() -> None:
    keys = both(half_a_sheet(BodyLayer.UPPER, RED), half_a_sheet(BodyLayer.UPPER, BLUE))
    assert asked(keys, BodyLayer.UPPER, 0, 5, 0) == pytest.approx((RED + BLUE) / 2, abs=1e-3)


def test_a_pixel_of_an_unsure_layer_is_believed_less() -> None:
    place = (1, 4, 4)
    shares = np.zeros((*place, len(BodyLayer)), np.float32)
    shares[..., BodyLayer.UPPER] = 1
    shares[0, :, 2:, [BodyLayer.UPPER, BodyLayer.SKIN]] = np.array([0.6, 0.4], np.float32)[:, None, None]
    pixels = LabelledPixels(
        colours=np.zeros((*place, 3), np.float32),
        alphas=np.ones(place, np.float32),
        shares=shares,
        places=np.zeros((*place, 3), np.float32),
        errors=np.full(place, 0.02, np.float32),
        azimuths=np.zeros(1, np.float32),
    )
    trust = Keys.of(pixels, np.full(place, BodyLayer.UPPER, np.uint8)).trust.reshape(4, 4)
    assert trust[:, 0] == pytest.approx(1, abs=1e-4)
    assert trust[:, 3] == pytest.approx(0.6**4, abs=1e-4)


def test_a_surer_pixel_counts_more() -> None:
    keys = both(half_a_sheet(BodyLayer.UPPER, RED, 4.0), half_a_sheet(BodyLayer.UPPER, BLUE, 0.01))
    assert asked(keys, BodyLayer.UPPER, 0.1, 0.05, 0)[0] > 0.9


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (BodyLayer.ONE_PIECE, BodyLayer.LOWER),
        (BodyLayer.UPPER, BodyLayer.ONE_PIECE),
        (BodyLayer.SKIN, BodyLayer.EYES),
        (BodyLayer.SHOES, BodyLayer.HAIR),
    ],
)
def test_another_layer_stands_in_for_one_that_is_nowhere(there: BodyLayer, wanted: BodyLayer) -> None:
    assert asked(half_a_sheet(there, RED), wanted, 0.1, 0.05, 0) == pytest.approx(RED, abs=1e-3)


def test_nobody_at_all_is_grey() -> None:
    nothing = half_a_sheet(BodyLayer.UPPER, RED)
    empty = Keys(*(part[:0] for part in vars(nothing).values()))
    assert asked(empty, BodyLayer.UPPER, 0, 0, 0) == pytest.approx(0.5)


@pytest.fixture(scope="module")
def dressed_woman() -> Truth:
    return truth(3)


def test_true_labels_give_the_true_views(dressed_woman: Truth) -> None:
    """Outline and normals are the generator's own; the colours come close, but for the back, which no photo shows."""
    size = 64
    geometry = view_geometry(body_model(), wardrobe(), dressed_woman.outfit, size)
    view = ViewPixels.of(geometry)
    pixels = dressed_woman.pixels
    keys = Keys.of(pixels, pixels.decided(dress=dressed_woman.outfit.dress))
    true = a_pose_views(somebody(3), size)
    squared, outlines = 0.0, 0
    views = zip(AZIMUTHS, painted(view, keys), normal_pictures(view), true.colours, true.normals, strict=True)
    for azimuth, made, normals, colours, true_normals in views:
        found, wanted = (np.asarray(picture).astype(np.float32) / 255 for picture in (made, colours))
        assert np.abs(found[..., 3] - wanted[..., 3]).max() <= 1 / 255
        assert np.abs(np.asarray(normals).astype(int) - np.asarray(true_normals)).max() <= 2
        if azimuth != 180:
            inside = wanted[..., 3] == 1
            squared += float(np.square(found[inside, :3] - wanted[inside, :3]).sum())
            outlines += 3 * int(inside.sum())
    assert -10 * np.log10(squared / outlines) > 21
