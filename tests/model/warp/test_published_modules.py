"""CP-VTON+'s modules as we wrote them against recorded runs of the published ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.engines.warp.cpvton.tryon_module import PublishedTryOn
from model.engines.warp.geometric.matching import GeometricMatching, correlation, normalised
from model.engines.warp.geometric.representation import (
    HEAD,
    KEPT,
    garment_mask,
    kept_colours,
    person_channels,
    picture_tensor,
    pose_maps,
)
from model.engines.warp.geometric.thin_plate import ThinPlate, bending, interval_error, seen_through
from model.train.warp.perceptual import FIRST_LAYERS, FIRST_WEIGHTS, VGGFeatures, feature_errors
from tests.model.warp import published_runs as runs

pytestmark = runs.recorded
SEED, SIZE = 11, (256, 192)


@pytest.fixture(scope="module")
def matching() -> GeometricMatching:
    network = runs.made(GeometricMatching(garment=1, last=2), runs.facts("gmm_rule"))
    assert isinstance(network, GeometricMatching)
    return network


@pytest.fixture(scope="module")
def tryon() -> PublishedTryOn:
    network = runs.made(PublishedTryOn(), runs.facts("tom_rule"))
    assert isinstance(network, PublishedTryOn)
    return network


def person(kept: tuple[int, ...]) -> Tensor:
    photo, labels = runs.picture("photo").convert("RGB"), runs.levels("labels")
    return person_channels(photo, labels, runs.levels("bodymask") > 0, runs.joints(), kept)


def inputs(run: str) -> dict[str, Tensor]:
    """What the modules are shown in a run, by its name in the rule."""
    if run == "person":
        cloth, mask = picture_tensor(runs.picture("cloth")), garment_mask(runs.levels("clothmask"))
        worn = picture_tensor(runs.picture("warpedcloth"))
        return {"cloth": cloth[None], "cloth_mask": mask[None], "warped_cloth": worn[None], "warped_mask": mask[None]}
    colours = {name: runs.up(runs.value(SEED, f"input.{name}", 2, 3, 32, 24), 8) for name in ("cloth", "warped_cloth")}
    masks = {
        name: runs.up((runs.value(SEED, f"input.{name}", 2, 1, 16, 12) > 0).float(), 16)
        for name in ("cloth_mask", "warped_mask")
    }
    return {"agnostic": runs.up(runs.value(SEED, "input.agnostic", 2, 22, 32, 24), 8), **colours, **masks}


@pytest.mark.parametrize("run", ["rule", "person"])
def test_the_matching_module_finds_the_recorded_spline(matching: GeometricMatching, run: str) -> None:
    expected, given = runs.tensors(f"gmm_{run}"), inputs(run)
    agnostic = given.get("agnostic", person(HEAD) if run == "person" else None)
    assert agnostic is not None
    with torch.no_grad():
        raw = matching.extractionA(agnostic)
        one, other = normalised(raw), normalised(matching.extractionB(given["cloth_mask"]))
        theta = matching(agnostic, given["cloth_mask"])
        grid = matching.grid(theta, SIZE)
    assert runs.relative(raw[:, ::64], expected["featureA_raw_sub"]) < 1e-5
    assert runs.relative(one[:, ::16], expected["featureA_sub"]) < 1e-5
    assert runs.relative(other[:, ::16], expected["featureB_sub"]) < 1e-5
    assert runs.relative(correlation(one, other)[:, ::3], expected["correlation_sub"]) < 1e-5
    assert runs.relative(theta, expected["theta"]) < 1e-5
    assert (grid[:, ::4, ::4] - expected["grid_sub"]).abs().max() < 3e-5
    cloth, mask = seen_through(given["cloth"], grid), seen_through(given["cloth_mask"], grid, "zeros")
    assert (cloth[..., ::3, ::3] - expected["warped_cloth_sub"]).abs().max() < 3e-3
    assert (mask[..., ::3, ::3] - expected["warped_mask_sub"]).abs().max() < 3e-3
    assert interval_error(grid).item() == pytest.approx(runs.facts(f"gmm_{run}")["gic_normalised"], rel=1e-3)


@pytest.mark.parametrize("run", ["rule", "person"])
def test_the_tryon_module_paints_the_recorded_picture(tryon: PublishedTryOn, run: str) -> None:
    recorded, expected, given = runs.facts(f"tom_{run}"), runs.tensors(f"tom_{run}"), inputs(run)
    agnostic = given.get("agnostic", person(KEPT) if run == "person" else None)
    assert agnostic is not None
    seen: dict[str, Tensor] = {}
    level, handles = tryon.model, []
    for depth in range(6):
        down, last = level.model[0 if depth == 0 else 1], level.model[-1]
        for name, layer in ((f"down{depth}_conv", down), (f"up{depth}", last)):
            handles.append(layer.register_forward_hook(_keeping(seen, name)))
        level = next((layer for layer in level.model if isinstance(layer, type(tryon.model))), level)
    with torch.no_grad():
        worn = tryon(agnostic, given["warped_cloth"], given["warped_mask"])
    for handle in handles:
        handle.remove()
    for name, steps in recorded["strides"].items():
        found = seen[name.removesuffix("_sub")][tuple(slice(None, None, step) for step in steps)]
        assert runs.relative(found, expected[name]) < 1e-5, name
    assert runs.relative(seen["up0"][..., ::3, ::3], expected["output_sub"]) < 1e-5
    for name, picture in {"p_rendered": worn.rendered, "m_composite": worn.share, "p_tryon": worn.result}.items():
        assert runs.relative(picture[..., ::3, ::3], expected[f"{name}_sub"]) < 1e-5, name
    _assert_losses(recorded, worn.result, worn.share)


def _keeping(seen: dict[str, Tensor], name: str) -> Any:
    def keep(module: object, given: object, answer: Tensor) -> None:
        seen[name] = answer.clone()

    return keep


def _assert_losses(recorded: dict[str, Any], result: Tensor, share: Tensor) -> None:
    rows = len(result)
    target = runs.up(runs.value(SEED, "input.target", rows, 3, 32, 24), 8)
    cover = (runs.value(SEED, "input.pcm", rows, 1, *SIZE) > 0).float()
    assert F.l1_loss(share, cover).item() == pytest.approx(recorded["loss_mask"], rel=1e-5)
    assert F.l1_loss(result, target).item() == pytest.approx(recorded["loss_l1"], rel=1e-5)
    features = VGGFeatures(FIRST_LAYERS, normalised=False)
    shapes = features.features.state_dict()
    features.features.load_state_dict(runs.weights(SEED, shapes, recorded["vgg_gain"], recorded["vgg_prefix"]))
    with torch.no_grad():
        terms = feature_errors(features(result[..., :64, :48]), features(target[..., :64, :48]))
    assert terms.tolist() == pytest.approx(recorded["vgg_l1_terms"], rel=1e-5)
    weighted = (terms * torch.tensor(FIRST_WEIGHTS)).sum().item()
    assert weighted == pytest.approx(recorded["loss_vgg_crop64x48"], rel=1e-5)


def test_a_training_step_of_the_matching_module_has_the_recorded_gradients() -> None:
    recorded, expected, given = runs.facts("gmm_train"), runs.tensors("gmm_train"), inputs("rule")
    network = runs.made(GeometricMatching(garment=1, last=2), runs.facts("gmm_rule")).train()
    assert isinstance(network, GeometricMatching)
    theta = network(given["agnostic"], given["cloth_mask"])
    grid = network.grid(theta, SIZE)
    target = runs.up(runs.value(SEED, "input.parse_cloth", 2, 3, 32, 24), 8)
    warp, uneven = F.l1_loss(seen_through(given["cloth"], grid), target), interval_error(grid)
    assert warp.item() == pytest.approx(recorded["loss_warp"], rel=1e-5)
    assert uneven.item() == pytest.approx(recorded["loss_gic"], rel=1e-4)
    (warp + 40 * uneven).backward()  # type: ignore[no-untyped-call]
    norms = {name: norm_of(parameter) for name, parameter in network.named_parameters()}
    # The pictures are blocks and the regulariser is a sum of absolute values: offsets that move by 1e-6, which is how
    # exactly float32 has them, change gradients by up to 1 %. Those of biases before batch norm are nothing but that.
    rounding = [f"regression.conv.{i}.bias" for i in (0, 3, 6, 9)]
    for name, norm in recorded["grad_norms"].items():
        assert name in rounding or norms[name] == pytest.approx(norm, rel=2e-2), name
    grads = {name: parameter.grad for name, parameter in network.named_parameters()}
    weight, bias = grads["regression.linear.weight"], grads["regression.linear.bias"]
    assert weight is not None
    assert bias is not None
    assert runs.relative(weight[:, ::16], expected["grad_linear_weight_sub"]) < 5e-2
    assert runs.relative(bias, expected["grad_linear_bias"]) < 5e-2
    after = dict(network.named_buffers())
    assert runs.relative(after["extractionA.model.2.running_mean"], expected["running_mean_after"]) < 1e-5
    assert runs.relative(after["regression.conv.1.running_var"], expected["running_var_after"]) < 1e-5
    assert runs.relative(theta, expected["theta"]) < 1e-4


def norm_of(parameter: torch.nn.Parameter) -> float:
    assert parameter.grad is not None
    return float(parameter.grad.norm())


@pytest.mark.parametrize("run", ["tps_17x13", "tps_32x24"])
def test_splines_are_the_recorded_ones(run: str) -> None:
    expected = runs.tensors(run)
    for side, given, wanted in ((5, "theta", "grid"), (3, "theta3", "grid3")):
        grid = ThinPlate(side)(expected[given], tuple(expected[wanted].shape[1:3]))
        assert (grid - expected[wanted]).abs().max() < 3e-5
    plate = ThinPlate()
    assert torch.equal(plate.points.float(), torch.stack([expected["P_X"], expected["P_Y"]], 1).reshape(25, 2))
    assert (plate.inverse - expected["Li"]).abs().max() < 3e-5


def test_the_regulariser_is_the_recorded_one() -> None:
    expected = runs.tensors("gic")
    grids = expected["grids"].clone().requires_grad_()
    for grid, total in zip(grids, expected["sum_per_grid"], strict=True):
        assert interval_error(grid[None]).item() * 12 * 9 == pytest.approx(total.item(), abs=1e-5)
    interval_error(grids).backward()  # type: ignore[no-untyped-call]
    assert grids.grad is not None
    assert (grids.grad - expected["grad_of_normalised"]).abs().max() < 1e-5


def test_what_is_seen_of_a_person_is_recorded() -> None:
    expected = np.load(runs.RUNS / "person" / "expected.npz")

    def as_levels(planes: Tensor) -> np.ndarray:
        return ((planes + 1) * 127.5).round().numpy().astype(np.uint8)

    found = as_levels(person(HEAD)[0])
    assert np.abs(found[0].astype(int) - expected["gmm_agnostic_u8"][0]).max() <= 1
    assert np.array_equal(found[1:], expected["gmm_agnostic_u8"][1:])
    assert np.array_equal(as_levels(pose_maps(runs.joints(), (192, 256), 3)), expected["gmm_agnostic_r3_pose_u8"])
    assert np.array_equal(as_levels(person(KEPT)[0])[1:4], expected["tom_head_u8"])
    assert np.array_equal(garment_mask(runs.levels("clothmask")).numpy(), expected["cloth_mask"])
    photo, worn = runs.picture("photo").convert("RGB"), np.isin(runs.levels("labels"), (5, 6, 7))
    on_white = kept_colours(photo, worn) + 2 * torch.from_numpy(~worn)
    assert np.array_equal(as_levels(on_white), expected["parse_cloth_u8"])


def test_no_offset_bends_nothing_and_an_affine_one_only_shears() -> None:
    plate = ThinPlate()
    y, x = torch.meshgrid(torch.linspace(-1, 1, 9), torch.linspace(-1, 1, 7), indexing="ij")
    identity = torch.stack([x, y], -1)[None]
    assert (plate(torch.zeros(1, 50), (9, 7)) - identity).abs().max() < 1e-5
    points = plate.points.float()
    moved = torch.stack([0.2 * points[:, 0] - 0.1 * points[:, 1] + 0.05, 0.3 * points[:, 0]])
    sheared = torch.stack([1.2 * x - 0.1 * y + 0.05, 0.3 * x + y], -1)[None]
    assert (plate(moved.reshape(1, 50), (9, 7)) - sheared).abs().max() < 1e-5
    assert bending(moved.reshape(1, 50)).item() == pytest.approx(0, abs=1e-6)
    assert bending(torch.randn(1, 50)).item() > 0.5
