from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

from model.engines.pointcloth.body_points import body_points
from model.engines.pointcloth.camera import (
    CutBox,
    cut_out,
    intrinsics,
    projected,
    published_mask,
    square_around,
    within,
)
from model.engines.pointcloth.chamfer import chamfer
from model.engines.pointcloth.code_optimiser import CodeOptimiser
from model.engines.pointcloth.drape.network import DrapeSizes, DrapingNetwork
from model.engines.pointcloth.fitting import FitSettings, FitStage, Sight, best_of, fine_start
from model.engines.pointcloth.frame import SMPL_ROOT, RootFrame
from model.engines.pointcloth.memory import fit_bytes
from model.engines.pointcloth.outfit_codes import in_unit_ball, mixed, slerp, spherical_mean
from tests.model.pointcloth.goldens import about, folder, recorded

MICRO = DrapeSizes((12, 20, 10), 24, ((3, 16, 8), (4, 8, 5), (6, 5, 4)))


def sight_of(told: dict[str, Tensor]) -> Sight:
    frame = RootFrame.of(told["transl"][0], told["global_orient"][0], torch.tensor(SMPL_ROOT))
    pixels = (told["mask"][0, 0] > 0).nonzero().flip(1).float()
    points = frame.upright(told["source_pcd"])
    return Sight(told["verts"][0], told["faces"].long(), points, frame, pixels, told["K"][0])


def stage_of(name: str, part: str, sight: Sight, codes: list[Tensor]) -> FitStage:
    settings = about(name)
    micro = DrapingNetwork(MICRO).requires_grad_(False)
    weights = {key.removeprefix("w."): tensor for key, tensor in recorded(name).items() if key.startswith("w.")}
    micro.load_state_dict(weights)
    return FitStage(
        micro,
        sight,
        FitSettings(settings["renderer"], settings["visibility_thr"], settings["img_size"], 4),
        codes,
        np.random.RandomState(settings["numpy_seed"]),
        Generator().manual_seed(settings["torch_seed"]),
    )


def follow(name: str, part: str, stage: FitStage, iterations: int) -> None:
    """Iterate as the reference did and compare every step."""
    told = {key.removeprefix(f"{part}."): t for key, t in recorded(name).items() if key.startswith(f"{part}.")}
    for i in range(iterations):
        stage.iterate()
        assert stage.losses[-1] == pytest.approx(float(told["loss"][i]), rel=1e-3), i
        torch.testing.assert_close(torch.stack(stage.codes), told["codes"][i], rtol=0, atol=3e-3)
    assert stage.best is not None
    assert stage.best_score == pytest.approx(float(told["best_value"]), rel=1e-3)
    torch.testing.assert_close(stage.best, told["best"], rtol=0, atol=3e-3)
    assert stage.optimiser.rate == pytest.approx(float(told["lr_end"]))
    torch.testing.assert_close(torch.rand(2, generator=stage.choice), told["torch_rand_after"])
    np.testing.assert_allclose(stage.order.random_sample(2), told["numpy_rand_after"].numpy())


@pytest.mark.parametrize("name", ["fit_chain", "fit_visible", "fit_subsample", "fit_quarter"])
def test_codes_go_where_the_references_go(name: str) -> None:
    told, settings = recorded(name), about(name)
    sight, coarse = sight_of(told), None
    if settings["coarse_iterations"]:
        coarse = stage_of(name, "coarse", sight, list(told["coarse.code0"].clone()))
        follow(name, "coarse", coarse, settings["coarse_iterations"])
        torch.testing.assert_close(fine_start(coarse.codes)[0], told["mean_code"], rtol=0, atol=3e-3)
    if settings["fine_iterations"]:
        fine = stage_of(name, "fine", sight, list(told["fine.code0"].clone()))
        follow(name, "fine", fine, settings["fine_iterations"])
        if coarse is not None:
            assert best_of(coarse, fine) is fine.best


def test_the_parts_of_a_fit_are_the_references() -> None:
    told = recorded("fit_parts")
    x = told["chamfer_x"].clone().requires_grad_()
    value = chamfer(x, told["chamfer_y"])
    assert float(value.detach()) == pytest.approx(float(told["chamfer"]), rel=1e-5)
    torch.testing.assert_close(torch.autograd.grad(value, x)[0], told["chamfer_grad_x"], rtol=1e-5, atol=1e-6)
    assert float(chamfer(told["chamfer3_x"], told["chamfer3_y"])) == pytest.approx(float(told["chamfer3"]), rel=1e-5)
    settings = about("fit_parts")["adam"]
    a, b = told["adam_a0"].clone(), told["adam_b0"].clone()
    optimiser = CodeOptimiser([a, b], settings["lr"], tuple(settings["betas"]), settings["eps"], settings["gamma"])
    for i in range(20):
        assert optimiser.rate == pytest.approx(float(told["adam_lr"][i]))
        optimiser.step([told["adam_grad_a"][i], told["adam_grad_b"][i]])
        torch.testing.assert_close(a, told["adam_a"][i], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(b, told["adam_b"][i], rtol=1e-5, atol=1e-6)
    for codes, mean in zip(told["codes"], told["spherical_mean"], strict=True):
        torch.testing.assert_close(spherical_mean(list(codes)), mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(in_unit_ball(told["ball_in"]), told["ball_out"], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        projected(told["project_in"], told["K"])[..., :2], told["project_out"][..., :2], rtol=1e-5, atol=1e-4
    )
    pixels = (told["mask"][0, 0] > 0).nonzero().flip(1).float()
    assert torch.equal(pixels, told["mask_points"][0])


@pytest.mark.parametrize("case", ["down", "up", "offframe"])
def test_pictures_are_cut_as_the_reference_cuts_them(case: str) -> None:
    told = {key.removeprefix(f"{case}."): t for key, t in recorded("camera").items() if key.startswith(f"{case}.")}
    expected = about("camera")["cases"][case]
    pictures: Path = folder("camera") / "camera"
    rgba = np.asarray(Image.open(pictures / f"{case}_segm_rgba.png"))
    photo = np.asarray(Image.open(pictures / f"{case}_photo.png").convert("RGB"))
    mask = published_mask(rgba)
    np.testing.assert_array_equal(mask, told["mask_raw"].numpy())
    height, width = mask.shape
    camera, vertices = intrinsics(width, height), told["vertices"].numpy()
    np.testing.assert_array_equal(camera, told["K_image"].numpy())
    box = square_around(vertices, camera)
    assert list(box) == expected["box_square"]
    size = expected["image_size"]
    np.testing.assert_allclose(within(camera, box, size), told["K"].numpy(), rtol=1e-5)
    found = cut_out(mask, box, size)
    np.testing.assert_allclose(found / 255, told["real_segm"][0].numpy(), atol=1 / 255)
    shown = cut_out(photo, box, size) / 255 * 2 - 1
    np.testing.assert_allclose(shown, told["real_rgb_nos"].permute(1, 2, 0), atol=2 / 255)
    points = body_points(told["faces"].long().numpy(), told["cloth_mask"].numpy() > 0, told["sample_inds"].numpy())
    np.testing.assert_allclose(points.of(vertices), told["source_pcd"].numpy(), atol=1e-5)
    seen = projected(told["verts_world"], told["K"])
    cam = told["verts_cam"]
    torch.testing.assert_close(torch.cat([seen[:, :2] * seen[:, 2:], seen[:, 2:]], 1), cam, rtol=1e-4, atol=1e-2)


def test_boxes_are_whole_pixels_by_the_references_rules() -> None:
    for rule in about("camera")["box_rules"]:
        box = CutBox(*rule["ltrb"])
        assert list(box.widened(1.2)) == rule["scaled"]
        assert list(box.squared()) == rule["square"]
        assert list(box.widened(1.2).squared()) == rule["square_of_scaled"]


def test_outfits_between_two_begin_and_end_at_them() -> None:
    a, b = torch.tensor([0.6, 0, 0, 0, 0, 0, 0, 0]), torch.tensor([0, 0.8, 0, 0, 0, 0, 0, 0])
    torch.testing.assert_close(mixed(a, b, 0.0), a)
    torch.testing.assert_close(mixed(a, b, 1.0), b)
    assert float(mixed(a, b, 0.5).norm()) == pytest.approx(0.7)
    torch.testing.assert_close(slerp(a, a, 0.3), a)


def test_what_a_fit_holds_is_what_is_booked() -> None:
    torch.manual_seed(0)
    network = DrapingNetwork(DrapeSizes((8, 16), 32, ((8, 16, 6), (8, 8, 4), (16, 4, 3)))).requires_grad_(False)
    own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(torch.rand(2, 200, 3), torch.randn(2, 8, requires_grad=True))
    held = sum(tensor.untyped_storage().nbytes() for storage, tensor in kept.items() if storage not in own)
    assert fit_bytes(network.sizes, 200, 2) == pytest.approx(held, rel=0.15)
