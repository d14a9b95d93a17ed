from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from model.engines.pointcloth.appearance.losses import DICE_WEIGHT, Perceptual, ScaledDifferences, dice
from model.engines.pointcloth.appearance.network import RenderingNetwork, composited
from model.engines.pointcloth.camera import projected
from model.engines.pointcloth.point_raster import splatted
from model.engines.pointcloth.visibility import body_depths, seen_points
from tests.model.pointcloth.goldens import about, distance, made, made_weights, recorded


def enlarged(tensor: Tensor, times: int) -> Tensor:
    return tensor.repeat_interleave(times, -1).repeat_interleave(times, -2)


def network() -> RenderingNetwork:
    rendering = RenderingNetwork()
    with torch.no_grad():
        made_weights(rendering, about("unet")["seed"], about("unet")["gains"])
    return rendering


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """coverage, features, background"""
    seed = about("unet")["seed"]
    mask = enlarged((made(seed, "input.um", 2, 1, 16, 16) > 0).float(), 4)
    mask = mask * (made(seed, "input.um2", 2, 1, 64, 64) * 0.25 + 0.75)
    features = torch.where(mask > 0, made(seed, "input.uf", 2, 16, 64, 64) * 1.5, 0.0)
    return mask, features, made(seed, "input.ub", 2, 3, 64, 64) * 0.5 + 0.5


def test_the_rendering_network_has_the_published_parameters() -> None:
    rendering = RenderingNetwork()
    counts = [sum(p.numel() for p in part.parameters()) for part in rendering.children()]
    assert counts == [2_162_960, 5_139, 177]
    assert len(rendering.state_dict()) == 122


def test_it_paints_as_the_reference_does() -> None:
    told, rendering = recorded("unet"), network().eval()
    coverage, features, background = inputs()
    stages: dict[str, Tensor] = {}
    for name, stage in rendering.model.named_children():
        stage.register_forward_hook(lambda _, __, out, name=name: stages.__setitem__(name, out))
    with torch.no_grad():
        colours, mask = rendering(coverage, features)
    for name, out in stages.items():
        step = 2 if name == "final" else 8
        assert distance(out[:, ::step, ::2, ::2], told[f"eval.{name}_sub"]) < 1e-4, name
    assert distance(mask, told["eval.fake_segm"]) < 1e-4
    assert distance(composited(colours, mask, background), told["eval.fake_rgb"]) < 1e-4
    assert distance(composited(colours, mask, torch.zeros(1)), told["eval.fake_rgb_bbg"]) < 1e-4


def test_it_learns_as_the_reference_does() -> None:
    told, rendering, seed = recorded("unet"), network().train(), about("unet")["seed"]
    coverage, features, background = inputs()
    with torch.no_grad():
        colours, mask = rendering(coverage, features)
    assert distance(composited(colours, mask, background), told["train.fake_rgb"]) < 1e-4
    rendering = network().train()
    camera = told["step.K"]
    cloth, body = (projected(told[f"step.{name}"], camera) for name in ("cloth", "verts"))
    seen = seen_points(cloth, body_depths(body, told["step.faces"].long(), 64), 2e-3)
    splats = splatted(seen.places, seen.depths, 64, 1.5)
    descriptors = made(seed, "input.atex", 16, 300).requires_grad_()
    pictures = splats.blended(descriptors.T[None] * seen.alpha[..., None])
    colours, mask = rendering(splats.coverage, pictures)
    norm = rendering.get_submodule("model.start.conv1.1")
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert distance(norm.running_mean, told["train.running_mean_after"]) < 1e-4
    assert distance(norm.running_var, told["train.running_var_after"]) < 1e-4
    true_mask = (made(seed, "input.us", 2, 1, 64, 64) > 0).float()
    truth = (enlarged(made(seed, "input.ur", 2, 3, 16, 16), 4) + 1) / 2 * true_mask + background * (1 - true_mask)
    painted = composited(colours, mask, background)
    perceptual = perceptual_network()(painted, truth * 2 - 1)
    overlap = DICE_WEIGHT * dice(mask, true_mask)
    step = about("unet")["step"]
    assert abs(float(perceptual.detach()) / step["perceptual"] - 1) < 1e-4
    assert abs(float(overlap.detach()) / step["dice_times_100"] - 1) < 1e-4
    (perceptual + overlap).backward()
    assert descriptors.grad is not None
    assert distance(descriptors.grad, told["step.grad_descriptors"]) < 1e-2
    largest = max(step["grad_norms"].values())
    for name, parameter in rendering.named_parameters():
        assert parameter.grad is not None
        assert abs(float(parameter.grad.norm()) - step["grad_norms"][name]) < 1e-2 * step["grad_norms"][name] + (
            1e-5 * largest
        ), name


def perceptual_network() -> Perceptual:
    told = about("unet")
    vgg = Perceptual().requires_grad_(False)
    for name, tensor in vgg.features.state_dict().items():
        gain = 1.4 if name.endswith("weight") else 1.0
        scale = gain * (3 / tensor[0].numel()) ** 0.5 if name.endswith("weight") else 0.2
        tensor.copy_(made(told["seed"], f"vgg.{name}", *tensor.shape) * scale)
    return vgg


def test_losses_are_the_references() -> None:
    told, seed = recorded("unet"), about("unet")["seed"]
    a, b = (made(seed, f"input.{name}", 2, 3, 32, 32) for name in ("pa", "pb"))
    vgg = perceptual_network()
    layers = [float((x - y).abs().mean()) for x, y in zip(vgg.seen(a), vgg.seen(b), strict=True)]
    for found, expected in zip(
        torch.tensor(layers).cumsum(0).tolist(), about("unet")["perceptual_cumulative"], strict=True
    ):
        assert abs(found / expected - 1) < 1e-4
    assert float(vgg(a, a)) == 0
    assert abs(float(dice(told["dice_p"], told["dice_t"]) - told["dice"])) < 1e-5
    assert abs(float(dice(told["dice_t"], told["dice_t"]))) < 1e-5


def test_without_vgg_pictures_are_compared_at_several_sizes() -> None:
    loss, a = ScaledDifferences(), torch.zeros(1, 3, 32, 32)
    assert float(loss(a, a)) == 0
    assert float(loss(a + 0.5, a)) > float(loss(a + 0.2, a)) > float(mse_loss(a, a))
