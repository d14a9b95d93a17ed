from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv3d, instance_norm

from model.engines.pointcloth.drape.attention import LatticeAttention
from model.engines.pointcloth.drape.lattice import Corners, corners, in_cells, rotation, seen_from
from model.engines.pointcloth.drape.network import DrapeBlock, DrapeSizes, DrapingNetwork
from model.engines.pointcloth.drape.norm import AdaIN
from model.engines.pointcloth.drape.products import by_onednn, convolved, multiplied
from model.engines.pointcloth.drape.splatting import max_splat, sliced
from tests.model.pointcloth.goldens import about, body_points, distance, made, made_weights, recorded

MICRO = DrapeSizes((12, 20, 10), 24, ((3, 16, 8), (4, 8, 5), (6, 5, 4)))
NARROW = DrapeSizes((256, 512, 16), 512, ((2, 128, 32), (3, 64, 16), (4, 16, 8)))


GAINS = [("encoder", 1.7), ("linear", 0.7)]


def network(sizes: DrapeSizes, name: str) -> DrapingNetwork:
    made_network = DrapingNetwork(sizes).requires_grad_(False)
    made_weights(made_network, about(name)["seed"], GAINS)
    return made_network


def stages(network: DrapingNetwork, points: Tensor, codes: Tensor) -> dict[str, Tensor]:
    """What every part gives, channels first."""
    kept = {"z": network.encoder[0](codes)}
    x = network.started(points, kept["z"])
    kept["start"] = x.mT
    for i, block in enumerate(network.attentions_decoder):
        x = block(x, kept["z"], points)
        kept[f"block{i}"] = x.mT
    kept["out"] = network.finished(x, kept["z"]).mT
    return kept


def gradients(network: DrapingNetwork, points: Tensor, codes: Tensor, cotangent: Tensor) -> tuple[Tensor, ...]:
    points, codes = points.clone().requires_grad_(), codes.clone().requires_grad_()
    out = network(points, codes).mT
    (out * cotangent).sum().backward()
    assert points.grad is not None
    assert codes.grad is not None
    return out.detach(), points.grad.mT, codes.grad


def test_the_micro_network_gives_what_the_reference_gives() -> None:
    expected = recorded("drape_micro")
    micro = network(MICRO, "drape_micro")
    found = stages(micro, expected["pts1"].mT, expected["code1"])
    for name, tensor in found.items():
        assert distance(tensor, expected[f"one.{name}"]) < 1e-4, name
    same = micro(expected["pts1"].mT.expand(4, -1, -1), expected["code4"]).mT
    assert distance(same, expected["out_shared_points"]) < 1e-4
    of_all = {}
    for number, offset in (("1", 0), ("4", 1)):
        points, codes = expected[f"pts{number}"].mT, expected[f"code{number}"]
        cotangent = made(about("drape_micro")["seed"] + offset, "input.cotangent", *points.mT.shape)
        out, of_points, of_codes = gradients(micro.requires_grad_(number == "4"), points, codes, cotangent)
        assert distance(out, expected["one.out" if number == "1" else "out4"]) < 1e-4
        assert distance(of_points, expected[f"grad_pts{number}"]) < 1e-3
        assert distance(of_codes, expected[f"grad_code{number}"]) < 1e-3
        of_all = {name: p.grad.norm() for name, p in micro.named_parameters() if p.grad is not None}
    largest = max(about("drape_micro")["param_grad_norms_batch4"].values())
    for name, norm in about("drape_micro")["param_grad_norms_batch4"].items():
        assert abs(float(of_all[name]) - norm) < 1e-3 * max(norm, 0.01 * largest), name


def test_the_published_size_has_the_published_tensors_and_parameters() -> None:
    with torch.device("meta"):
        network = DrapingNetwork()
    assert sum(tensor.numel() for tensor in network.parameters()) == 16_758_519
    keys = Path(__file__).parents[3].parent / "shared" / "facts" / "pointcloth_checkpoint_keys.json"
    state = {f"model.{key}": list(tensor.shape) for key, tensor in network.state_dict().items()}
    assert len(state) == 438
    if keys.is_file():
        listed = json.loads(keys.read_text())["draping_network_90_epochs.pth"]["tensors"]
        assert state == {key: shape for key, shape, _ in listed}


@pytest.mark.parametrize("name", ["drape_narrow", "drape_real"])
def test_larger_networks_give_what_the_reference_gives(name: str) -> None:
    expected, seed = recorded(name), about(name)["seed"]
    real = name == "drape_real"
    subject = network(DrapeSizes() if real else NARROW, name)
    if real:
        points, codes = body_points(made(seed, "input.ptsr", 1, 3, 256)), made(seed, "input.coder", 1, 8)
        tolerance, of_gradients = 1e-3, 5e-2
    else:
        points, codes = expected["pts"].mT, expected["code"]
        tolerance, of_gradients = 5e-4, 2e-3
    found = stages(subject, points, codes)
    for key, tensor in found.items():
        thinned = tensor if key in ("z", "out") else tensor[:, ::32]
        if real and key.startswith("block"):
            thinned = thinned[..., ::2]
        wanted = expected[key if key in ("z", "out") else f"{key}_sub"]
        assert distance(thinned, wanted) < tolerance, key
    fewer = body_points(made(seed, "input.ptsg", 1, 3, 64)) if real else expected["g_pts"].mT
    code = codes if real else expected["g_code"]
    cotangent = made(seed, "input.cotangent", 1, 3, fewer.shape[1])
    out, of_points, of_code = gradients(subject, fewer, code, cotangent)
    assert distance(out, expected["g_out"]) < tolerance
    assert distance(of_points, expected["grad_pts"]) < of_gradients
    assert distance(of_code, expected["grad_code"]) < of_gradients


def test_styles_normalise_as_the_plain_formula_does() -> None:
    torch.manual_seed(2)
    norm = AdaIN(5, 4, rectified=True).double()
    x, style = torch.randn(2, 7, 4).double().requires_grad_(), torch.randn(2, 5).double().requires_grad_()
    gain, bias = norm.linear(style)[..., None].chunk(2, 1)
    plain = (instance_norm(x.mT) * (1 + gain) + bias).relu().mT
    torch.testing.assert_close(norm(x, style), plain)
    assert torch.autograd.gradcheck(lambda a, b: norm(a, b), (x, style))
    shares = torch.rand(1, 7).double()
    assert torch.autograd.gradcheck(lambda a, b: norm(a, b, shares / shares.sum()), (x, style))
    onto = torch.randn_like(x).requires_grad_()
    torch.testing.assert_close(norm(x, style, onto=onto), plain + onto)
    assert torch.autograd.gradcheck(lambda a, b, c: norm(a, b, onto=c), (x, style, onto))


def test_a_cloud_that_no_cache_holds_is_normalised_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    norm = AdaIN(5, 4, rectified=True).double()
    x, style = torch.randn(2, 11, 4).double().requires_grad_(), torch.randn(2, 5).double()
    whole = norm(x, style)
    (gradient,) = torch.autograd.grad(whole.square().sum(), x)
    monkeypatch.setattr("model.engines.pointcloth.drape.cache.NUMBERS", 24)
    torch.testing.assert_close(norm(x, style), whole)
    torch.testing.assert_close(torch.autograd.grad(norm(x, style).square().sum(), x)[0], gradient)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_products_with_frozen_weights_are_plain_ones(dimensions: int) -> None:
    torch.manual_seed(4)
    sides = (5, 4, 3)[:dimensions]
    lattice, weight, bias = (
        torch.randn(1, *sides, 6).movedim(-1, 1),
        torch.randn(8, 6, *[3] * dimensions),
        torch.ones(8),
    )
    lattice.requires_grad_()
    x, matrix = torch.randn(2, 9, 6).requires_grad_(), torch.randn(3, 6)
    assert by_onednn(lattice, weight) == torch._C._has_mkldnn
    plain = (conv2d if dimensions == 2 else conv3d)(lattice, weight, bias, padding=1)
    for ours, expected, given in (
        (convolved(lattice, weight, bias), plain, lattice),
        (multiplied(x, matrix, torch.ones(3)), x @ matrix.T + 1, x),
    ):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
        gradients = [torch.autograd.grad(out.square().sum(), given)[0] for out in (ours, expected)]
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-3)
    learned = matrix.clone().requires_grad_()
    torch.testing.assert_close(
        torch.autograd.grad(multiplied(x, learned).sum(), learned)[0], x.sum((0, 1)).expand(3, 6)
    )


def test_points_that_stand_for_several_are_as_good_as_these() -> None:
    micro = network(MICRO, "drape_micro")
    points, code = recorded("drape_micro")["pts1"].mT, recorded("drape_micro")["code1"]
    several = torch.arange(32).repeat_interleave(torch.arange(32) % 3 + 1)
    counts = torch.bincount(several) / len(several)
    expected = micro(points[:, several], code)
    torch.testing.assert_close(micro(points, code, counts[None])[:, several], expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_operators_are_the_references(dimensions: int) -> None:
    told = {
        name.removeprefix(f"d{dimensions}."): tensor
        for name, tensor in recorded("blocks").items()
        if name.startswith(f"d{dimensions}.")
    }
    size = about("blocks")["lattice_sizes"][f"d{dimensions}"]
    view, values = told["lattice"].mT.clone().requires_grad_(), told["features"].mT.clone().requires_grad_()
    around = corners(in_cells(view, size), size)
    assert torch.equal(around.cells, told["index"][:, 0].mT)
    torch.testing.assert_close(around.weights, told["weights"][:, 0].mT, rtol=0, atol=1e-5)
    lattice = max_splat(values, around, size**dimensions)
    assert distance(lattice.mT, told["splat"].flatten(2)) < 1e-5
    torch.autograd.backward((lattice.mT * told["splat_cot"].flatten(2)).sum(), retain_graph=True)
    assert view.grad is not None
    assert values.grad is not None
    assert distance(view.grad.mT, told["splat_grad_lattice"]) < 1e-4
    assert distance(values.grad.mT, told["splat_grad_features"]) < 1e-4
    view.grad = None
    volume = told["volume"].flatten(2).mT.clone().requires_grad_()
    taken = sliced(volume, around)
    assert distance(taken.mT, told["slice"]) < 1e-5
    torch.autograd.backward((taken.mT * told["slice_cot"]).sum(), retain_graph=True)
    assert view.grad is not None
    assert volume.grad is not None
    assert distance(view.grad.mT, told["slice_grad_lattice"]) < 1e-4
    assert distance(volume.grad.mT, told["slice_grad_volume"].flatten(2)) < 1e-4
    assert distance(sliced(lattice, around).mT, told["splat_then_slice"]) < 1e-5


@pytest.mark.parametrize(("name", "dimensions"), [("plane", 2), ("vol", 3)])
def test_views_are_the_references(name: str, dimensions: int) -> None:
    told = {key.removeprefix(f"{name}."): t for key, t in recorded("blocks").items() if key.startswith(f"{name}.")}
    for head in range(2):
        x, *learned = (
            tensor.clone().requires_grad_()
            for tensor in (told["x"][:, head].mT, *(told[f"w.{part}"][head] for part in ("log_R", "shift", "scales")))
        )
        torch.testing.assert_close(rotation(learned[0]), told["R"][head], rtol=0, atol=1e-5)
        view = seen_from(x, *learned)
        assert view.shape[-1] == dimensions
        torch.testing.assert_close(view.mT, told["y"][:, head], rtol=0, atol=1e-5)
        torch.autograd.backward((view.mT * told["cot"][:, head]).sum())
        assert x.grad is not None
        torch.testing.assert_close(x.grad.mT, told["grad_x"][:, head], rtol=0, atol=1e-4)
        for part, tensor in zip(("log_R", "shift", "scales"), learned, strict=True):
            assert tensor.grad is not None
            assert float((tensor.grad - told[f"grad_{part}"][head]).abs().max()) < 1e-4 * max(
                1.0, float(told[f"grad_{part}"].abs().max())
            )


@pytest.mark.parametrize(("name", "dimensions", "size"), [("attention2d", 2, 8), ("attention3d", 3, 5)])
def test_one_head_is_the_references(name: str, dimensions: int, size: int) -> None:
    told = {key.removeprefix(f"{name}."): t for key, t in recorded("blocks").items() if key.startswith(f"{name}.")}
    head = LatticeAttention(6, 4, 5, dimensions, size).requires_grad_(False)
    head.load_state_dict({key.removeprefix("w."): t for key, t in told.items() if key.startswith("w.")})
    assert distance(head(told["x"].mT, told["z"], told["pts"].mT).mT, told["y"]) < 1e-5


def test_one_block_is_the_references() -> None:
    told = {key.removeprefix("union."): t for key, t in recorded("blocks").items() if key.startswith("union.")}
    block = DrapeBlock(6, [(3, 2, 8), (4, 3, 5)], 5).requires_grad_(False)
    block.load_state_dict({key.removeprefix("w."): tensor for key, tensor in told.items() if key.startswith("w.")})
    assert distance(block(told["x"].mT, told["z"], told["pts"].mT).mT, told["y"]) < 1e-5


def test_a_style_is_the_references() -> None:
    told = {key.removeprefix("adain."): t for key, t in recorded("blocks").items() if key.startswith("adain.")}
    norm = AdaIN(7, 5)
    norm.load_state_dict({key.removeprefix("w."): tensor for key, tensor in told.items() if key.startswith("w.")})
    x, style = told["x"].mT.clone().requires_grad_(), told["z"].clone().requires_grad_()
    y = norm(x, style)
    assert distance(y.mT, told["y"]) < 1e-5
    (y.mT * told["cot"]).sum().backward()
    assert x.grad is not None
    assert style.grad is not None
    assert distance(x.grad.mT, told["grad_x"]) < 1e-4
    assert distance(style.grad, told["grad_z"]) < 1e-4


def slow_splat(values: Tensor, around: Corners, cells: int) -> Tensor:
    """One candidate after the other."""
    batch, points, features = values.shape
    rows = [[torch.zeros(features) for _ in range(cells)] for _ in range(batch)]
    for b in range(batch):
        for corner in range(around.cells.shape[-1]):
            for point in range(points):
                cell = int(around.cells[b, point, corner])
                offered = around.weights[b, point, corner] * values[b, point]
                rows[b][cell] = torch.where(offered > rows[b][cell], offered, rows[b][cell])
    return torch.stack([torch.stack(row) for row in rows])


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_fast_splat_is_the_slow_one_gradient_and_ties_included(dimensions: int) -> None:
    generator = torch.Generator().manual_seed(4)
    view = torch.rand(2, 12, dimensions, generator=generator) * 2 - 1
    view[:, 6:] = view[:, :6]  # coincident points, half of them with the same values
    values = torch.randn(2, 12, 3, generator=generator)
    values[:, 6:9] = values[:, :3]
    cotangent = torch.randn(2, 4**dimensions, 3, generator=generator)
    found = []
    for splat in (max_splat, slow_splat):
        place, given = view.clone().requires_grad_(), values.clone().requires_grad_()
        lattice = splat(given, corners(in_cells(place, 4), 4), 4**dimensions)
        torch.autograd.backward((lattice * cotangent).sum())
        found.append((lattice, place.grad, given.grad))
    for fast, slow in zip(*found, strict=True):
        torch.testing.assert_close(fast, slow)
