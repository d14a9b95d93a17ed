"""The prompts, which never change: encoded once, after which the text encoder is gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from transformers.models.clip.modeling_clip import CLIPTextEmbeddings

from model.engines.up2you.files import TEXT_ENCODER, TOKENIZER
from model.engines.up2you.views.adapters import ViewStage
from model.errors import WeightsError
from model.weights.layout import CONFIG, TRANSFORMERS_TENSOR_FILES, tensor_file
from model.weights.loading import Checkpoint, UnloadedNetwork, read_tensors

PROMPTS: dict[ViewStage, str] = {
    "rgb": "Multi-view Human, Full Body, High Quality, HDR",
    "normals": "Multi-view Human, Full Body, Normal Map, High Quality, HDR",
}
UNCONDITIONAL = ""
# Checkpoints written before 2023 carry the numbers 0..76 along.
_NOT_WEIGHTS = "position_ids"
_PREFIX = "text_model."


@torch.no_grad()
def prompt_states(weights: Path) -> dict[ViewStage, Tensor]:
    """For each stage what the text encoder makes of the empty prompt and of the stage's own.

    Computed on the host in float32.

    Returns:
        (2, 77, D) each: last hidden states, after the final normalisation.

    Raises:
        WeightsError: text encoder or tokenizer are absent or incomplete.
    """
    encoder, tokens = _loaded(text_encoder(weights)), _token_ids(weights / TOKENIZER)
    states: Tensor = encoder(tokens).last_hidden_state
    return {stage: states[[0, i]] for i, stage in enumerate(PROMPTS, 1)}


def _token_ids(folder: Path) -> Tensor:
    try:
        tokenizer: Any = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"{folder}: {error}") from error
    prompts = [UNCONDITIONAL, *PROMPTS.values()]
    padded = tokenizer(
        prompts, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    )
    ids: Tensor = padded.input_ids
    return ids


def text_encoder(weights: Path) -> UnloadedNetwork[CLIPTextModel]:
    """CLIP's text model as published, without memory yet."""
    folder = weights / TEXT_ENCODER
    try:
        config = CLIPTextConfig(**json.loads((folder / CONFIG).read_bytes()))
        with torch.device("meta"):
            module: Any = CLIPTextModel(config)
    except (OSError, TypeError, ValueError) as error:
        raise WeightsError(f"{folder / CONFIG}: {error}") from error
    file = tensor_file(folder, TRANSFORMERS_TENSOR_FILES)
    tensors, problems = read_tensors(file)
    tensors = {key: tensor for key, tensor in tensors.items() if not key.endswith(_NOT_WEIGHTS)}
    shapes = {name: tensor.shape for name, tensor in module.state_dict().items()}
    names = {_PREFIX + name.removeprefix(_PREFIX): name for name in shapes}  # transformers 5 dropped the prefix
    expected = {key: shapes[name] for key, name in names.items()}
    return UnloadedNetwork(
        module.eval().requires_grad_(False), [Checkpoint(file, expected, tensors, names, problems)], on_host=True
    )


def _loaded(network: UnloadedNetwork[CLIPTextModel]) -> CLIPTextModel:
    encoder = network.load(torch.device("cpu"), torch.float32)
    for module in encoder.modules():
        if isinstance(module, CLIPTextEmbeddings):  # the one thing that is neither in the file nor in the config
            positions = torch.arange(encoder.config.max_position_embeddings)[None]
            module.register_buffer("position_ids", positions, persistent=False)
    return encoder
