"""Body and clothes as numbers, there and back, and what labelled pixels say about them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer
from model.engines.template.body_features import COUNT, PhotoCounts, counts, pooled
from model.engines.template.outfit import OUTPUTS, decoded, encoded
from model.synthetic.datasets.loose_photos import somebody
from tests.model.template.truth import Truth, truth


@pytest.mark.parametrize("seed", range(8))
def test_numbers_of_somebody_describe_them(seed: int) -> None:
    person = somebody(seed)
    cuts = list(person.garments.values())
    values, counting = encoded(cuts, person.betas, long_hair=person.look.long_hair)
    assert values.shape == counting.shape == (OUTPUTS,)
    outfit = decoded(np.concatenate([values[:5] * 2 - 1, values[5:]]))  # logits of what is so are positive
    assert outfit.long_hair == person.look.long_hair
    assert outfit.betas == pytest.approx(person.betas.clip(-2, 2), abs=1e-5)
    for found, true in zip(outfit.cuts, cuts, strict=True):
        assert (found.place, found.sleeveless, found.v_neck) == (true.place, true.sleeveless, true.v_neck)
        assert found.hem == pytest.approx(true.hem, abs=0.03)
        assert found.sleeve == pytest.approx(true.sleeve, abs=0.01)


def test_wild_numbers_are_clothes_all_the_same() -> None:
    for sign in (-1, 1):
        outfit = decoded(np.full(OUTPUTS, 50.0 * sign, np.float32))
        assert outfit.dress == (sign > 0)
        assert np.abs(outfit.betas).max() <= 2
        assert all(-0.82 < cut.hem < -0.01 for cut in outfit.cuts)


@pytest.fixture(scope="module")
def somebody_seen() -> Truth:
    return truth(3)


def photo_counts(seen: Truth) -> list[PhotoCounts]:
    pixels = seen.pixels
    return [counts(*photo) for photo in pixels.each()]


def test_shares_of_layers_sum_to_one_where_something_is_seen(somebody_seen: Truth) -> None:
    features = pooled(photo_counts(somebody_seen))
    assert features.shape == (COUNT,)
    assert np.isfinite(features).all()
    heights = features[: 7 * 24].reshape(7, 24).sum(0)
    assert ((heights == pytest.approx(1, abs=1e-4)) | (heights < 1e-3)).all()


def test_someone_nobody_sees_has_no_widths() -> None:
    nothing = counts(np.zeros((64, 64), np.uint8), *_nowhere(64))
    assert np.isnan(nothing.widths).all()
    assert not pooled([nothing]).any()


def _nowhere(size: int) -> tuple[Floats, float, Floats]:
    return np.zeros((size, size, 3), np.float32), 0.0, np.zeros((size, size, 3), np.float32)


def test_two_colours_are_told_from_one() -> None:
    """Cloth from the chest to the hips, all of a colour, or below the waist of another."""
    heights = np.repeat(np.linspace(0.3, -0.3, 64, dtype=np.float32)[:, None], 64, 1)
    places = np.stack([np.zeros_like(heights), heights, np.zeros_like(heights)], 2)
    layers = np.full((64, 64), BodyLayer.ONE_PIECE, np.uint8)
    two = np.where(heights[..., None] > 0, np.float32(0.2), np.float32(0.8)).repeat(3, 2)
    one, other = (pooled([counts(layers, places, 0.0, colours)]) for colours in (np.full_like(two, 0.2), two))
    assert (one != other).any()
    assert np.abs(other - one).max() == pytest.approx(0.6, abs=0.01)


def test_a_broader_body_is_measured_broader(somebody_seen: Truth) -> None:
    """Whole photos from in front, of somebody and of the same person half as wide again."""
    pixels = somebody_seen.pixels
    photo = int(np.abs(np.sin(pixels.azimuths)).argmin())
    layers, places = pixels.layers()[photo], pixels.places[photo]
    broad = np.arange(64) / 1.5 + 64 / 6
    columns = broad.round().astype(int).clip(0, 63)
    narrow, wide = (
        np.nansum(counts(layers[:, which], places[:, which], float(pixels.azimuths[photo]), places[:, which]).widths)
        for which in (np.arange(64), columns)
    )
    assert wide == pytest.approx(1.5 * narrow, rel=0.05)


def test_replaced_lengths_are_what_counts() -> None:
    person = somebody(1)
    [*cuts] = person.garments.values()
    longer = [replace(cut, hem=cut.hem - 0.1) for cut in cuts]
    values, other = (encoded(these, person.betas, long_hair=False)[0] for these in (cuts, longer))
    assert 0 < (values != other).sum() <= 2
