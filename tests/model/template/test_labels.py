"""What is made of the place network's answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.clothes.buffers import BodyLayer
from model.engines.template.labels import CHANNELS, LabelledPixels, PhotoLabels
from model.engines.template.parsed import CLASSES, Parsers, one_hot, other_side
from model.engines.template.place_network import PlaceNetwork
from model.weights.pack import DEMO


@pytest.fixture(scope="module")
def labels() -> PhotoLabels:
    torch.manual_seed(1)
    network = PlaceNetwork().eval().requires_grad_(False)
    for head in (network.layers, network.places, network.gains):
        head.weight.mul_(20)
    return PhotoLabels(network)


def test_a_mirrored_photo_shows_the_mirror_image(labels: PhotoLabels) -> None:
    photos = torch.rand(2, 4, 64, 64)
    photos[:, :3] *= photos[:, 3:]
    parsed = torch.stack([torch.randint(count, (2, 32, 32)) for count in CLASSES], 1).float()
    seen = labels(photos, parsed)
    mirrored = labels(photos.flip(-1), other_side(parsed).flip(-1)).flip(-1)
    assert seen.shape == (2, CHANNELS, 64, 64)
    sides = torch.ones(CHANNELS)
    sides[[12, 16]] = -1  # x of places, sine of the azimuth
    assert torch.allclose(seen, mirrored * sides[:, None, None], atol=1e-4)


def test_shares_sum_to_one_and_azimuths_are_angles(labels: PhotoLabels) -> None:
    pixels = LabelledPixels.of(labels(torch.rand(1, 4, 64, 64), torch.zeros(1, 3, 32, 32)).permute(0, 2, 3, 1))
    assert pixels.shares.sum(-1) == pytest.approx(1, abs=1e-5)
    assert (pixels.errors > 0).all()
    assert pixels.azimuths.shape == (1,)


def test_a_mirror_exchanges_sides_and_a_second_one_changes_nothing() -> None:
    every = torch.stack([torch.arange(25).clamp(max=count - 1) for count in CLASSES])[None, :, None].float()
    mirrored = other_side(every)
    assert (mirrored != every).any((0, 2, 3)).all()
    assert torch.equal(other_side(mirrored), every)
    assert mirrored[0, :, 0, 14].tolist() == [13, 15, 15]  # of the lower legs, and of both parsers' arms


def test_shares_of_labels_in_cells_sum_to_one_for_each_network() -> None:
    parsed = torch.stack([torch.randint(count, (2, 8, 8)) for count in CLASSES], 1).float()
    shares = one_hot(parsed, 2)
    assert shares.shape == (2, sum(CLASSES), 4, 4)
    assert shares.sum(1).eq(len(CLASSES)).all()
    assert shares[:, : CLASSES[0]].sum(1).eq(1).all()


def test_nobody_in_a_photo_has_no_labels() -> None:
    assert not Parsers(DEMO)(np.zeros((64, 64, 4), np.float32)).any()


def pixels_of(shares: dict[BodyLayer, float]) -> LabelledPixels:
    """One pixel."""
    plane = np.zeros((1, 1, 1, len(BodyLayer)), np.float32)
    for layer, share in shares.items():
        plane[..., layer] = share
    empty, one = np.zeros((1, 1, 1, 3), np.float32), np.ones((1, 1, 1), np.float32)
    return LabelledPixels(empty, one, plane, empty, one, np.zeros(1, np.float32))


def test_a_closer_look_shows_finer_colours_in_the_same_light() -> None:
    """Photos of 64 pixels a side, half as bright as they were evenly lit, and the same of 32."""
    rng = np.random.default_rng(0)
    close = np.ones((1, 64, 64, 4), np.float32)
    close[..., :3] = 0.25 + 0.2 * rng.uniform(size=(1, 64, 64, 3))
    far = close.reshape(1, 32, 2, 32, 2, 4).mean((2, 4))[..., :3] * 2
    plane = np.ones((1, 32, 32), np.float32)
    pixels = LabelledPixels(far, plane, plane[..., None].repeat(8, 3), far, plane, np.zeros(1, np.float32))
    closer = pixels.looked_closer_at(close)
    assert closer.places.shape == (1, 64, 64, 3)
    assert np.abs(closer.colours - 2 * close[..., :3]).mean() < 0.02


def test_whoever_is_there_is_never_called_nothing() -> None:
    assert pixels_of({BodyLayer.NOTHING: 0.9, BodyLayer.HAIR: 0.1}).layers() == BodyLayer.HAIR


def test_a_dress_is_one_piece_and_what_is_none_has_two() -> None:
    torn = pixels_of({BodyLayer.UPPER: 0.3, BodyLayer.LOWER: 0.1, BodyLayer.ONE_PIECE: 0.25, BodyLayer.SKIN: 0.35})
    assert torn.layers() == BodyLayer.SKIN
    assert torn.decided(dress=True) == BodyLayer.ONE_PIECE
    assert torn.decided(dress=False) == BodyLayer.UPPER
