from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.engines.pointcloth.camera import projected
from model.engines.pointcloth.cleaning import nearest_cloth, pooled
from model.engines.pointcloth.point_raster import Splats, splatted
from model.engines.pointcloth.visibility import SeenPoints, body_depths, seen_points
from tests.model.pointcloth.goldens import about, made, recorded

SIZE = 48


def seen(threshold: float) -> SeenPoints:
    told = recorded("visibility")
    cloth, body = (projected(told[name], told["K"]) for name in ("cloth", "verts"))
    return seen_points(cloth, body_depths(body, told["faces"].long(), SIZE), threshold)


@pytest.mark.parametrize("threshold", [0.001, 0.002, 0.02])
def test_points_are_seen_past_the_body_as_the_reference_sees_them(threshold: float) -> None:
    told, found = recorded("visibility"), seen(threshold)
    expected = {name: told[f"T{threshold}.{name}"] for name in ("visible", "alpha", "body_depth_at_point", "xy")}
    assert torch.equal(found.visible, expected["visible"] > 0)
    torch.testing.assert_close(found.alpha, expected["alpha"], rtol=0, atol=1e-3)
    torch.testing.assert_close(found.places, expected["xy"], rtol=0, atol=2e-5)
    torch.testing.assert_close(found.depths, told[f"T{threshold}.cloth_depth"], rtol=0, atol=2e-6)
    torch.testing.assert_close(found.body_depths, expected["body_depth_at_point"], rtol=0, atol=2e-6)
    torch.testing.assert_close(found.body, told["body_depth"], rtol=0, atol=2e-6)
    assert torch.equal(found.body > 0, told["smpl_mask"][:, 0] > 0)
    shown = found.body - found.body.min()
    torch.testing.assert_close(shown / shown.max(), told["smpl_rast"][:, 0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("radius", [1.5, 2, 6])
def test_splats_and_their_gradients_are_the_references(radius: float) -> None:
    told, found = recorded("visibility"), seen(0.002)
    splats = splatted(found.places, found.depths, SIZE, radius)
    torch.testing.assert_close(splats.coverage, told[f"r{radius:g}.raster_mask"], rtol=0, atol=3e-4)
    descriptors = told["descriptors"].clone().requires_grad_()
    pictures = splats.blended(descriptors * found.alpha[..., None])
    torch.testing.assert_close(pictures[:, ::5], told[f"r{radius:g}.raster_features_sub"], rtol=0, atol=3e-4)
    cotangent = made(about("visibility")["seed"], "input.rc", *pictures.shape)
    torch.autograd.backward((pictures * cotangent).sum())
    assert descriptors.grad is not None
    expected = told[f"r{radius:g}.grad_descriptors_sub"]
    torch.testing.assert_close(descriptors.grad[..., ::5], expected, rtol=0, atol=3e-4 * float(expected.abs().max()))


def test_more_than_eight_points_in_a_pixel_are_ordered_as_the_references() -> None:
    told = recorded("visibility")
    ndc = told["overlap.ndc"]
    splats = splatted(ndc[..., :2], ndc[..., 2], 16, 1.5)
    assert torch.equal(splats.points.int(), told["overlap.ids"])
    torch.testing.assert_close(splats.blended(told["overlap.descriptors"]), told["overlap.out"], rtol=0, atol=3e-4)


def test_where_cloth_may_be_painted_is_the_references() -> None:
    told, found = recorded("visibility"), seen(0.002)
    depths, cloth = nearest_cloth(found, SIZE)
    torch.testing.assert_close(depths, told["clean.cloth_depth"], rtol=0, atol=2e-6)
    assert torch.equal(cloth, told["clean.flood_mask"] > 0)
    around = pooled(depths, cloth)
    torch.testing.assert_close(around[cloth], told["clean.cloth_depth_minpooled"][cloth], rtol=0, atol=2e-6)
    assert float(around[~cloth].min()) == 100


def slowly_blended(places: Tensor, depths: Tensor, features: Tensor, size: int, radius: float) -> Tensor:
    """One pixel after the other."""
    picture = torch.zeros(features.shape[1], size, size)
    for row in range(size):
        for column in range(size):
            centre = (torch.tensor([column, row]) + 0.5) / size * 2 - 1
            gaps = (places - centre).norm(dim=1) / (radius / size * 2)
            hits = [int(i) for i in depths.argsort(stable=True) if gaps[i] < 1 and depths[i] >= 0][:8]
            left = 1.0
            for i in hits:
                weight = 1 - float(gaps[i].square().clamp(1e-3, 1).sqrt())
                picture[:, row, column] += left * weight * features[i]
                left *= 1 - weight
    return picture


def test_splatting_is_what_a_loop_over_pixels_gives() -> None:
    generator = torch.Generator().manual_seed(3)
    places = torch.rand(60, 2, generator=generator) * 2.2 - 1.1
    depths, features = torch.rand(60, generator=generator) - 0.1, torch.randn(60, 3, generator=generator)
    splats: Splats = splatted(places[None], depths[None], 9, 2.2)
    expected = slowly_blended(places, depths, features, 9, 2.2)
    torch.testing.assert_close(splats.blended(features[None])[0], expected, rtol=0, atol=1e-5)
