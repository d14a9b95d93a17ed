"""Where in a photo points of the template are seen."""

from __future__ import annotations

import numpy as np
import pytest

from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer
from model.engines.template import faces
from model.engines.template.faces import face_in, misplaced, regular
from model.engines.template.labels import LabelledPixels
from model.engines.template.sightings import PlaceMap, place_maps

SIZE, PITCH = 32, 0.01  # pixels a side of a photo, and metres that each shows


def places_of(columns: Floats, rows: Floats) -> Floats:
    """What a photo of a slanted sheet shows."""
    across, down = PITCH * (columns - SIZE / 2), PITCH * (rows - SIZE / 2)
    return np.stack([across, -down, 0.3 * across], -1).astype(np.float32)


def sheet(noise: float) -> PlaceMap:
    """The map of a shirt in the middle of a photo, whose labels are wrong by so many metres."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    wrong = noise * np.random.default_rng(0).normal(size=(SIZE, SIZE, 3))
    shares = np.zeros((1, SIZE, SIZE, len(BodyLayer)), np.float32)
    shares[..., BodyLayer.SKIN] = 1
    shares[0, 8:24, 8:24] = np.eye(len(BodyLayer))[BodyLayer.UPPER]
    pixels = LabelledPixels(
        colours=np.zeros((1, SIZE, SIZE, 3), np.float32),
        alphas=np.ones((1, SIZE, SIZE), np.float32),
        shares=shares,
        places=(places_of(columns, rows) + wrong).astype(np.float32)[None],
        errors=np.full((1, SIZE, SIZE), 0.02, np.float32),
        azimuths=np.zeros(1, np.float32),
    )
    (maps,) = place_maps(pixels, pixels.layers(), np.zeros((1, SIZE, SIZE), np.float32))
    return maps[BodyLayer.UPPER]


@pytest.mark.parametrize(("noise", "tolerance"), [(0.0, 0.05), (0.005, 0.5)])
def test_points_are_found_between_pixels_and_noise_of_labels_is_evened_out(noise: float, tolerance: float) -> None:
    wanted = np.array([[12.25, 15.5], [18.5, 11.75], [15.0, 20.0]], np.float32)
    found, beliefs = sheet(noise).sighted(places_of(*wanted.T))
    assert np.abs(found - wanted).max() < tolerance
    assert (beliefs > 0.1).all()


def test_what_a_photo_does_not_show_is_not_believed_to_be_in_it() -> None:
    beyond_the_border, far_away = places_of(np.array([25.5, 80.0]), np.array([15.0, 15.0]))
    inside = places_of(np.array(15.0), np.array(15.0))
    _, beliefs = sheet(0).sighted(np.stack([inside, beyond_the_border, far_away]))
    assert beliefs[1] < 0.02 * beliefs[0]
    assert beliefs[2] == 0


def drawn_face(offset: tuple[float, float]) -> tuple[Floats, Floats]:
    """A picture of eyes and mouth off their places, of what is shown at the points of the template's grid; and that
    all of it is known."""
    across, up = faces._grid()
    x, y = np.abs(across - offset[0]), up - offset[1]
    picture = np.full(x.shape, 0.7, np.float32)
    for side, middle, width, height in ((0.0315, 0.681, 0.012, 0.005), (0.0, 0.6105, 0.022, 0.005)):
        picture[((x - side) / width) ** 2 + ((y - middle) / height) ** 2 < 1] = 0.2
    return picture, np.ones_like(picture)


def test_a_face_is_found_where_it_lies() -> None:
    found = misplaced(*drawn_face((0.012, -0.009)))
    assert found is not None
    assert found.offset == pytest.approx([0.012, -0.009], abs=0.004)
    eye = np.array([0.0315 + 0.012, 0.681 - 0.009, 0.12], np.float32)
    assert found.corrected(eye) == pytest.approx([0.0315, 0.681, 0.12], abs=0.004)


def test_places_that_are_of_no_face_stay() -> None:
    found = misplaced(*drawn_face((0.012, -0.009)))
    assert found is not None
    hand_and_nape = np.array([[0.7, 0.44, 0.01], [0.0, 0.6, -0.08]], np.float32)
    assert found.corrected(hand_and_nape) == pytest.approx(hand_and_nape)


def test_a_plain_picture_has_no_face() -> None:
    plain = np.full_like(drawn_face((0, 0))[0], 0.6)
    assert misplaced(plain, np.ones_like(plain)) is None


def test_a_face_in_a_photo_is_looked_for_where_its_labels_say() -> None:
    """The photo shows the template's face, and labels are off by a centimetre."""
    size, pitch = 64, 0.003
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    x, y = (columns - size / 2) * pitch, 0.66 - (rows - size / 2) * pitch
    true = np.stack([x, y, 0.12 - 4 * x * x], -1).astype(np.float32)
    shades = np.full((size, size), 0.7, np.float32)
    for side, middle, width, height in ((0.0315, 0.681, 0.012, 0.006), (0.0, 0.6105, 0.022, 0.006)):
        shades[((np.abs(x) - side) / width) ** 2 + ((y - middle) / height) ** 2 < 1] = 0.2
    labelled = true + np.array([0.01, 0, 0], np.float32)

    def sighted(points: Floats) -> tuple[Floats, Floats]:
        at = np.stack([(points[:, 0] - 0.01) / pitch + size / 2, (0.66 - points[:, 1]) / pitch + size / 2], 1)
        return at.astype(np.float32), np.ones(len(points), np.float32)

    trust = np.ones((size, size), np.float32)
    found = face_in(shades, labelled, trust, sighted)
    assert found is not None
    assert found.offset == pytest.approx([0.01, 0], abs=0.004)
    assert face_in(shades, labelled, 0 * trust, sighted) is None


def test_places_of_a_face_become_a_smooth_surface() -> None:
    rows, columns = np.mgrid[:24, :24].astype(np.float32)
    true = np.stack([(columns - 12) * 0.005, 0.66 - (rows - 12) * 0.004, np.full((24, 24), 0.1)], -1)
    noisy = (true + 0.01 * np.random.default_rng(1).normal(size=true.shape)).astype(np.float32)
    smooth = regular(noisy, np.ones((24, 24), np.float32))
    of_face = faces.face_share(noisy) == 1
    assert np.abs(smooth - true)[of_face].mean() < 0.3 * np.abs(noisy - true)[of_face].mean()
