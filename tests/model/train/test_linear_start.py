"""The linear start: an untrained autoencoder that already reconstructs, and is what linear algebra says it is."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from model.clothes.cut import GarmentPlace
from model.train.errors import SettingsError
from model.train.linear_start import patches, principal_components, start_near_linear
from tests import rendered

LATENTS = 12
CONFIG: dict[str, Any] = {
    "block_out_channels": (16, 24, 48),
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "layers_per_block": 1,
    "latent_channels": LATENTS,
    "norm_num_groups": 4,
    "mid_block_add_attention": False,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
}


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """(9, 3, 128, 96) in [-1, 1]: people and garments of the demo."""
    places = get_args(GarmentPlace)
    seen = [rendered.pictures(place)[name] for place in places for name in ("person", "garment", "truth")]
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in seen])).permute(0, 3, 1, 2) / 127.5 - 1


@pytest.fixture(scope="module")
def vae(pictures: Tensor) -> AutoencoderKL:
    vae = autoencoder()
    start_near_linear(vae, pictures)
    return vae


def autoencoder(**changes: Any) -> AutoencoderKL:
    torch.manual_seed(0)
    return AutoencoderKL.from_config(CONFIG | changes).eval()


@torch.no_grad()
def reconstructed(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    reconstruction: Tensor = vae.decode(vae.encode(pictures).latent_dist.mode()).sample
    return reconstruction


def psnr(a: Tensor, b: Tensor) -> float:
    return float((10 * torch.log10(4 / (a.clamp(-1, 1) - b).square().mean((1, 2, 3)))).mean())


def test_reconstructs_untrained(vae: AutoencoderKL, pictures: Tensor) -> None:
    assert psnr(reconstructed(autoencoder(), pictures), pictures) < 12
    assert psnr(reconstructed(vae, pictures), pictures) > 24


def test_encoder_is_the_principal_components(vae: AutoencoderKL, pictures: Tensor) -> None:
    matrix, mean = principal_components(pictures, LATENTS)
    wanted = torch.einsum("kp,bphw->bkhw", matrix, patches(pictures) - mean[:, None, None])
    with torch.no_grad():
        moments = vae.encode(pictures).latent_dist
    assert float((moments.mean - wanted).square().mean()) < 1e-3  # of a variance of 1
    assert torch.allclose(moments.std, torch.tensor(-3.0).exp())


def test_latents_are_white(pictures: Tensor) -> None:
    matrix, mean = principal_components(pictures, LATENTS)
    codes = torch.einsum("kp,bphw->kbhw", matrix, patches(pictures) - mean[:, None, None]).flatten(1)
    assert torch.allclose(codes.mean(1), torch.zeros(LATENTS), atol=1e-3)
    assert torch.allclose(torch.cov(codes), torch.eye(LATENTS), atol=1e-2)


def test_patches_have_the_pixels_of_four_by_four(pictures: Tensor) -> None:
    corner = patches(pictures)[:, :, 2, 3]
    assert torch.equal(corner.sort().values, pictures[:, :, 8:12, 12:16].flatten(1).sort().values)


def test_decoder_is_nearly_linear(vae: AutoencoderKL) -> None:
    torch.manual_seed(1)
    one, other = torch.randn(2, 1, LATENTS, 32, 24)
    with torch.no_grad():
        zero, a, b, both = (vae.decode(z).sample for z in (torch.zeros_like(one), one, other, one + other))
    assert float(F.mse_loss(both - zero, a + b - 2 * zero)) < 0.01 * float((both - zero).square().mean())


def test_every_weight_can_learn(vae: AutoencoderKL, pictures: Tensor) -> None:
    """Zero branches open after one step: no weight is cut off for good."""
    learning = autoencoder()
    learning.load_state_dict(vae.state_dict())
    for _ in range(2):
        loss = (learning.decode(learning.encode(pictures[:2]).latent_dist.mean).sample - pictures[:2]).square().mean()
        learning.zero_grad()
        loss.backward()
        with torch.no_grad():
            for weight in learning.parameters():
                weight -= 1e-3 * weight.grad.sign()
    assert [name for name, weight in learning.named_parameters() if not weight.grad.any()] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"block_out_channels": (16, 24)},
        {"block_out_channels": (16, 16, 48)},
        {"block_out_channels": (8, 24, 48)},
        {"block_out_channels": (16, 20, 24)},
        {"use_quant_conv": True},
    ],
)
def test_refuses_what_has_no_room(changes: dict[str, Any], pictures: Tensor) -> None:
    levels = len(changes.get("block_out_channels", CONFIG["block_out_channels"]))
    kinds = {"down_block_types": ("DownEncoderBlock2D",) * levels, "up_block_types": ("UpDecoderBlock2D",) * levels}
    with pytest.raises(SettingsError, match=r"linear start|latent_channels"):
        start_near_linear(autoencoder(**kinds | changes), pictures)
