"""The networks of the warping try-on, and what their inputs say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.engines.warp.grids import identity, prior_flow, sampled
from model.engines.warp.inputs import GEOMETRY, HEIGHT, WIDTH, Inputs, inputs
from model.engines.warp.network import WarpNetwork, composed, shaded

ROWS = 3


@pytest.fixture(scope="module")
def network() -> WarpNetwork:
    torch.manual_seed(0)
    return WarpNetwork().eval()


def pictures(rows: int = ROWS) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)

    def colours() -> Tensor:
        return torch.rand((rows, 3, HEIGHT, WIDTH), generator=generator) * 2 - 1

    def labels(classes: int) -> Tensor:
        return torch.randint(classes, (rows, HEIGHT, WIDTH), generator=generator)

    mask = torch.zeros(rows, 1, HEIGHT, WIDTH)
    mask[:, :, 32:96, 24:72] = 1
    hole = torch.zeros_like(mask)
    hole[:, :, 48:80, 32:64] = 1
    alpha = torch.zeros_like(mask)
    alpha[:, :, 16:112, 12:84] = 1
    return {
        "photo": colours(),
        "densepose": labels(25),
        "atr": labels(18),
        "mask": mask,
        "hole": hole,
        "garment": colours(),
        "alpha": alpha,
        "place": torch.arange(rows) % 3,
    }


def test_geometry_knows_nothing_of_the_photos_colours_nor_of_labels_inside_the_mask() -> None:
    given = pictures()
    before = inputs(**given).geometry
    given["photo"] = -given["photo"]
    given["atr"] = torch.where(given["mask"][:, 0] > 0, 4, given["atr"])
    assert torch.equal(inputs(**given).geometry, before)
    given["densepose"] = torch.zeros_like(given["densepose"])
    assert not torch.equal(inputs(**given).geometry, before)
    assert before.shape == (ROWS, GEOMETRY, HEIGHT // 2, WIDTH // 2)


def test_nothing_of_the_old_garment_is_seen() -> None:
    given = pictures()
    before = inputs(**given)
    given["photo"] = torch.where(given["hole"] > 0, 0.5, given["photo"])
    assert torch.equal(inputs(**given).person, before.person)


def test_the_first_guess_lays_the_masks_box_onto_the_garments() -> None:
    given = pictures(1)
    flow = prior_flow(given["mask"], given["alpha"], (HEIGHT, WIDTH))
    corner = flow[0, :, 33, 25]
    assert torch.allclose(corner, torch.tensor([12 / WIDTH * 2 - 1, 16 / HEIGHT * 2 - 1]), atol=0.1)
    assert torch.allclose(flow[0, :, 64, 48], torch.zeros(2), atol=0.05)


def test_a_picture_seen_through_the_identity_is_itself() -> None:
    picture = pictures(1)["photo"]
    assert torch.allclose(sampled(picture, identity(HEIGHT, WIDTH)), picture, atol=1e-5)


def test_rows_do_not_know_of_each_other(network: WarpNetwork) -> None:
    seen = inputs(**pictures())
    with torch.inference_mode():
        together = network(*seen)
        alone = network(*(tensor[1:2] for tensor in seen))
    for all_, one in zip(together, alone, strict=True):
        assert torch.allclose(all_[1:2], one, atol=1e-5)


def test_sizes_of_the_fields(network: WarpNetwork) -> None:
    with torch.inference_mode():
        fields = network(*inputs(**pictures()))
    assert fields.flow_12.shape == (ROWS, 2, 16, 12)
    assert fields.flow_24.shape == (ROWS, 2, 32, 24)
    assert fields.flow.shape == (ROWS, 2, 64, 48)
    assert fields.logits.shape == (ROWS, 1, HEIGHT, WIDTH)
    assert fields.painted.shape == (ROWS, 3, HEIGHT, WIDTH)
    assert fields.shade.shape == (ROWS, 3, 32, 24)


def test_the_result_is_the_photo_where_neither_garment_is(network: WarpNetwork) -> None:
    given = pictures()
    seen: Inputs = inputs(**given)
    with torch.inference_mode():
        fields = network(*seen)._replace(logits=torch.full((ROWS, 1, HEIGHT, WIDTH), -1e4))
        result = composed(fields, given["photo"], given["hole"], given["mask"], seen.garment)
    kept = (given["hole"] == 0).expand_as(result)
    assert torch.equal(result[kept], given["photo"][kept])
    assert torch.allclose(result[~kept], fields.painted[~kept], atol=1e-6)


def test_shade_is_a_gain_of_what_is_not_black() -> None:
    cloth = torch.tensor([-1.0, 0.0, 0.5])
    assert torch.allclose(shaded(cloth, torch.tensor(0.0)), cloth)
    assert torch.allclose(shaded(cloth, torch.tensor(0.5).log()), torch.tensor([-1.0, -0.5, -0.25]))


def test_the_weights_fit_into_six_megabytes_of_halves(network: WarpNetwork) -> None:
    assert sum(tensor.numel() for tensor in network.state_dict().values()) * 2 < 6.5e6
