"""The shape predictor."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.engines.up2you.features.shape_predictor import ShapePredictor
from model.engines.up2you.features.transformer_blocks import CrossAttention, SelfAttention, attend, attend_plainly
from model.engines.up2you.features.weights import shape_predictor
from model.engines.up2you.files import SHAPE_PREDICTOR
from tests.model.up2you.goldens import golden, largest_difference, state_dict

CPU = torch.device("cpu")


@pytest.fixture
def tiny(tmp_path: Path) -> ShapePredictor:
    file = tmp_path / SHAPE_PREDICTOR
    file.parent.mkdir(parents=True)
    torch.save(state_dict(golden("shape_predictor")), file)
    return shape_predictor(tmp_path).load(CPU, torch.float32)


def test_shapes_as_published(tiny: ShapePredictor) -> None:
    reference = golden("shape_predictor")
    with torch.no_grad():
        tokens = tiny.tokens(reference["feats"])
        assert largest_difference(tokens, reference["tokens"]) <= 1e-5
        for iterations in range(1, 5):
            betas = tiny.shape_head(tokens, iterations)
            assert largest_difference(betas, reference[f"iter_{iterations}"]) <= 1e-5
        assert largest_difference(tiny(reference["feats"]), reference["betas"][:, 0]) <= 1e-5


def test_people_of_one_batch_do_not_mix(tiny: ShapePredictor) -> None:
    feats = golden("shape_predictor")["feats"]
    with torch.no_grad():
        together = tiny(torch.cat([feats, feats.flip(1) * 0.5]))
        assert largest_difference(together[:1], tiny(feats)) < 1e-5
        assert largest_difference(together[1:], tiny(feats.flip(1) * 0.5)) < 1e-5


def test_attention_of_one_token_needs_no_softmax() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(64, qk_norm=False).double()
    token = torch.randn(3, 1, 64, dtype=torch.float64)
    assert largest_difference(attention.of_one(token), attention(token)) < 1e-12


def test_attention_without_scores_is_attention() -> None:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 4, n, 8, generator=generator, dtype=torch.float64) for n in (5, 7, 7))
    assert largest_difference(attend(query, key, value), attend_plainly(query, key, value)) < 1e-12


def test_a_context_all_rows_share_is_as_good_as_one_for_each() -> None:
    torch.manual_seed(0)
    attention = CrossAttention(64).double()
    tokens = torch.randn(6, 5, 64, dtype=torch.float64)
    context = torch.randn(1, 9, 64, dtype=torch.float64)
    assert largest_difference(attention(tokens, context), attention(tokens, context.repeat(6, 1, 1))) < 1e-12
