"""Self-attention, the pass-through that stands for cross-attention, and the autoencoder's two directions."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from model.diffusion.attention import attend_plainly, keep_only_self_attention
from model.diffusion.autoencoder import LatentDecoder, LatentEncoder, draw_latents, fast_autoencoder


@pytest.fixture
def block() -> BasicTransformerBlock:
    torch.manual_seed(0)
    return BasicTransformerBlock(16, num_attention_heads=4, attention_head_dim=4, cross_attention_dim=6).eval()


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randn(2, 10, 16, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_the_fast_attention_is_the_one_written_out() -> None:
    query, key, value = torch.randn(3, 2, 4, 50, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(
        F.scaled_dot_product_attention(query, key, value), attend_plainly(query, key, value), atol=1e-6
    )


@torch.no_grad()
def test_a_block_computes_h_plus_norm2_of_h(block: BasicTransformerBlock, tokens: torch.Tensor) -> None:
    attention = block.attn1
    query, key, value = (
        project(block.norm1(tokens)).view(2, 10, 4, 4).transpose(1, 2)
        for project in (attention.to_q, attention.to_k, attention.to_v)
    )
    attended = attend_plainly(query, key, value).transpose(1, 2).reshape(2, 10, 16)
    h = tokens + attention.to_out[0](attended)
    h = h + block.norm2(h)
    h = h + block.ff(block.norm3(h))
    keep_only_self_attention(block)
    assert torch.allclose(block(tokens), h, atol=1e-6)


def test_cross_attention_weights_are_dropped(block: BasicTransformerBlock) -> None:
    keep_only_self_attention(block)
    assert not [name for name in block.state_dict() if name.startswith("attn2")]
    assert any(name.startswith("norm2") for name in block.state_dict())


@pytest.fixture
def vae() -> AutoencoderKL:
    torch.manual_seed(0)
    return AutoencoderKL(block_out_channels=(8, 8), down_block_types=["DownEncoderBlock2D"] * 2,
                         up_block_types=["UpDecoderBlock2D"] * 2, norm_num_groups=4).eval()  # fmt: skip


@torch.no_grad()
def test_the_wrappers_are_diffusers_autoencoder(vae: AutoencoderKL) -> None:
    pictures = torch.randn(2, 3, 16, 24)
    theirs = vae.encode(pictures).latent_dist
    mean, logvar = LatentEncoder(vae)(pictures)
    assert torch.equal(mean, theirs.mean)
    assert torch.equal(logvar, theirs.logvar)
    assert torch.equal(LatentDecoder(vae)(mean), vae.decode(mean).sample)


@torch.no_grad()
def test_an_autoencoder_that_serves_is_the_stock_one(vae: AutoencoderKL) -> None:
    pictures = torch.randn(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    mean, _ = LatentEncoder(vae)(pictures)
    decoded = LatentDecoder(vae)(mean)
    fast = fast_autoencoder(copy.deepcopy(vae))
    attention = fast.decoder.mid_block.attentions[0]
    rows: list[int] = []
    attention.to_out[0].register_forward_hook(lambda _, __, output: rows.append(len(output)))
    assert torch.allclose(LatentEncoder(fast)(pictures)[0], mean, atol=1e-5)
    assert torch.allclose(LatentDecoder(fast)(mean), decoded, atol=1e-5)
    assert rows == [2]


@torch.no_grad()
def test_half_precision_stays_inside(vae: AutoencoderKL) -> None:
    half = copy.deepcopy(vae).to(torch.bfloat16)
    mean, logvar = LatentEncoder(half)(torch.zeros(1, 3, 16, 16))
    assert {mean.dtype, logvar.dtype, LatentDecoder(half)(mean).dtype} == {torch.float32}


@torch.no_grad()
def test_the_log_variance_is_kept_within_bounds(vae: AutoencoderKL) -> None:
    vae.quant_conv.weight *= 1e4
    _, logvar = LatentEncoder(vae)(torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    assert logvar.min() == -30
    assert logvar.max() == 20


def test_one_picture_may_be_drawn_several_times() -> None:
    noise = torch.randn(3, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    mean, logvar = torch.full((1, 4, 2, 2), 5.0), torch.full((1, 4, 2, 2), 2.0).log()
    assert torch.allclose(draw_latents(mean, logvar, noise), 5 + 2**0.5 * noise)
