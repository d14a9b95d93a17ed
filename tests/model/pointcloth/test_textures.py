"""Textures, and where points of one cloud lay in another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.clothes.arrays import Floats
from model.engines.pointcloth.carrying import carried, local_maps, motion
from model.engines.pointcloth.looks import Wrapping
from model.engines.pointcloth.outfit import FittedOutfit, read_outfit
from model.engines.pointcloth.rendering import BodyScene, shown
from model.engines.pointcloth.texture import MOST_TEXELS, SeenTexels, Texture, texture_of
from model.errors import InputError

SIZE, FOCAL, DISTANCE = 128, 1000.0, 10.0


def sheet(count: int = 1500) -> Floats:
    """Points of a square metre that hardly bends, upright."""
    x, y = np.random.default_rng(1).uniform(-0.5, 0.5, (2, count))
    return np.stack([x, y, 0.05 * np.cos(3 * x)], 1).astype(np.float32)


def turn(angle: float) -> Floats:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float32)


def far_scene() -> BodyScene:
    """A body that hides nothing: a wall behind the sheet."""
    camera = torch.tensor([[FOCAL, 0, SIZE / 2], [0, FOCAL, SIZE / 2], [0, 0, 1.0]])
    corners = torch.tensor([[-9, -9, 10.3], [9, -9, 10.3], [0, 9, 10.3]])
    return BodyScene(corners, torch.tensor([[0, 1, 2]]), camera, SIZE)


def before_camera(points: Floats) -> torch.Tensor:
    return torch.from_numpy(points * np.array([1, -1, -1], np.float32) + np.array([0, 0, DISTANCE], np.float32))


def test_a_cloud_that_lies_as_before_is_carried_to_itself() -> None:
    points = sheet()
    np.testing.assert_allclose(carried(points, points), points, atol=1e-4)


def test_each_half_of_a_parted_cloud_is_carried_by_its_own_half() -> None:
    points = sheet()
    moved = np.where(points[:, :1] < 0, points - [1, 0, 0], points @ turn(0.5) + [1, 0, 0]).astype(np.float32)
    off = np.linalg.norm(carried(moved, points) - points, axis=1)
    assert np.quantile(off, 0.99) < 0.01


def test_neighbourhoods_carry_points_that_stray() -> None:
    points = sheet()
    rng = np.random.default_rng(2)
    strayed = points + rng.normal(0, 0.03, points.shape).astype(np.float32) * [1, 1, 0]
    outliers = rng.random(len(points)) < 0.1
    strayed[outliers] = points[outliers] + [0, 0, -0.5]
    off = np.linalg.norm(carried(points @ turn(0.3) * 1.05, strayed.astype(np.float32)) - points, axis=1)
    assert np.median(off) < 0.01
    assert np.quantile(off, 0.95) < 0.025


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_smallest_clouds_are_carried_too(count: int) -> None:
    points = sheet(count)
    assert np.isfinite(carried(points + 1, points)).all()
    assert np.isfinite(carried(points, np.zeros_like(points))).all()


def test_maps_lead_from_around_a_point_to_around_its_place() -> None:
    places = sheet()
    points = (places @ turn(0.7) + [0.2, 0, 0]).astype(np.float32)
    maps, offsets = local_maps(points, places)
    step = np.array([0.01, -0.02, 0], np.float32)
    there = ((points + step)[:, None] @ maps)[:, 0] + offsets
    np.testing.assert_allclose(there, places + step @ turn(-0.7), atol=2e-3)


def test_a_rigid_motion_is_found() -> None:
    points = sheet(50)
    found, shift = motion(points, points @ turn(1.2) + np.float32(0.5))
    np.testing.assert_allclose(found, turn(1.2), atol=1e-4)
    np.testing.assert_allclose(shift, 0.5, atol=1e-4)


def stripes(places: Floats) -> Floats:
    """6 cm of dark, 6 cm of light."""
    light = (places[:, 1:2] % 0.12 < 0.06).astype(np.float32)
    return np.repeat(0.2 + 0.6 * light, 3, 1)


def test_stripes_of_a_photo_are_worn_elsewhere_though_points_stray() -> None:
    points, scene = sheet(), far_scene()
    cloud = before_camera(points)
    truth = shown(scene, cloud, torch.from_numpy(points), lambda _, at: stripes(at * np.array([1, -1, -1], np.float32)))
    picture = (255 * truth.colours).byte().numpy()
    mask = np.where(truth.alpha.numpy() > 0.5, 255, 0).astype(np.uint8)
    texture = texture_of([Wrapping(points, points).seen_in(scene, cloud, picture, mask)])
    assert texture is not None
    strayed: Floats = points + np.random.default_rng(3).normal(0, [0.03, 0.03, 0], points.shape).astype(np.float32)
    worn = Wrapping(strayed, carried(strayed, points)).painted(scene, before_camera(strayed), texture)
    inside = (truth.alpha > 0.99) & (worn.alpha > 0.99)
    assert float((worn.colours - truth.colours)[inside].abs().mean()) < 0.05
    kept = shown(scene, before_camera(strayed), torch.from_numpy(texture.at(points)))
    assert float((kept.colours - truth.colours)[inside].abs().mean()) > 0.1


def test_what_no_photo_shows_looks_as_what_is_before_it() -> None:
    places = sheet()
    texture = Texture(places, stripes(places))
    behind = places - np.array([0, 0, 0.3], np.float32)
    assert np.abs(texture.at(behind) - stripes(places)).mean() < 0.1


def test_nearby_texels_become_one_and_there_are_never_too_many() -> None:
    rng = np.random.default_rng(4)
    places = rng.uniform(-0.5, 0.5, (100_000, 3)).astype(np.float32)
    ones = np.ones(len(places), np.float32)
    texture = texture_of([SeenTexels(places, places, ones)])
    assert texture is not None
    assert 1000 < len(texture.places) <= MOST_TEXELS
    np.testing.assert_allclose(texture.places, texture.colours, atol=1e-6)
    empty = np.zeros((0, 3), np.float32)
    assert texture_of([SeenTexels(empty, empty, empty[:, 0])]) is None


def test_a_texture_is_kept_with_its_outfit(tmp_path: Path) -> None:
    points = sheet(20)
    texels = Texture(sheet(40), stripes(sheet(40)))
    outfit = FittedOutfit(
        points.ravel()[:8],
        points,
        np.ones(20, bool),
        np.zeros(10, np.float32),
        points[:2],
        stripes(points),
        points,
        texels,
    )
    outfit.save(tmp_path / "outfit.npz")
    again = read_outfit(tmp_path / "outfit.npz")
    assert again.texture is not None
    assert again.places is not None
    np.testing.assert_allclose(again.texture.places, texels.places, atol=1e-3)
    np.testing.assert_allclose(again.places, points, atol=1e-3)
    arrays = dict(np.load(tmp_path / "outfit.npz"))
    without = {name: array for name, array in arrays.items() if not name.startswith("texel")}
    np.savez(tmp_path / "older.npz", **without)
    older = read_outfit(tmp_path / "older.npz")
    assert older.texture is not None
    assert len(older.texture.places) == 20
    np.savez(tmp_path / "bad.npz", **arrays | {"texels": np.full((3, 3), np.nan, np.float32)})
    with pytest.raises(InputError, match="texels"):
        read_outfit(tmp_path / "bad.npz")
