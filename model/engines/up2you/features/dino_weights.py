"""DINOv2's weights in whichever spelling they come, in the spelling the installed transformers has.

There are three: torch.hub's, which has queries, keys and values in one piece; that of transformers 4, in which the
published transformers checkpoints are written; and that of transformers 5.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import Dinov2Config, Dinov2Model

from model.engines.up2you.files import DINO, DINO_TENSOR_FILES
from model.errors import WeightsError
from model.weights.layout import CONFIG, tensor_file
from model.weights.loading import Checkpoint, UnloadedNetwork, read_tensors

_HEAD_SIZE = 64  # channels of an attention head, in every size of DINOv2

# transformers 4 -> transformers 5
_TRANSFORMERS = (
    (".attention.attention.query.", ".attention.q_proj."),
    (".attention.attention.key.", ".attention.k_proj."),
    (".attention.attention.value.", ".attention.v_proj."),
    (".attention.output.dense.", ".attention.o_proj."),
)
# transformers 5 -> torch.hub
_HUB = (
    (".attention.q_proj.", ".attn.qkv."),
    (".attention.k_proj.", ".attn.qkv."),
    (".attention.v_proj.", ".attn.qkv."),
    (".attention.o_proj.", ".attn.proj."),
    (".layer_scale1.lambda1", ".ls1.gamma"),
    (".layer_scale2.lambda1", ".ls2.gamma"),
    ("encoder.layer.", "blocks."),
    ("layernorm.", "norm."),
    ("embeddings.patch_embeddings.projection.", "patch_embed.proj."),
    ("embeddings.position_embeddings", "pos_embed"),
    ("embeddings.", ""),
)

Spelling = Callable[[str], str]


def dino(weights: Path) -> UnloadedNetwork[Dinov2Model]:
    """The network of `up2you/dinov2` as its config describes it; without a config, as its tensors' shapes do."""
    folder = weights / DINO
    file = tensor_file(folder, DINO_TENSOR_FILES)
    tensors, problems = read_tensors(file)
    module = _network(folder / CONFIG, tensors)
    spell = spelling(tensors)
    shapes = {name: tensor.shape for name, tensor in module.state_dict().items()}
    names: dict[str, list[str]] = {}  # key in the file -> the network's tensors it holds, one after the other
    for name in shapes:
        names.setdefault(spell(modern(name)), []).append(name)
    expected = {
        key: torch.Size([sum(shapes[part][0] for part in parts), *shapes[parts[0]][1:]]) for key, parts in names.items()
    }
    return UnloadedNetwork(module, [Checkpoint(file, expected, tensors, names, problems)])


def spelling(tensors: Mapping[str, Tensor]) -> Spelling:
    """From the names of transformers 5 to those of a file."""
    if any(key.startswith("blocks.") for key in tensors):
        return lambda name: _replaced(name, _HUB)
    if any(".attention.attention." in key for key in tensors):
        return lambda name: _replaced(name, [(new, old) for old, new in _TRANSFORMERS])
    return lambda name: name


def modern(name: str) -> str:
    """A name of either transformers in that of transformers 5."""
    return _replaced(name, _TRANSFORMERS)


def _replaced(name: str, pairs: Iterable[tuple[str, str]]) -> str:
    for old, new in pairs:
        name = name.replace(old, new)
    return name


def _network(config: Path, tensors: Mapping[str, Tensor]) -> Any:
    try:
        described = json.loads(config.read_bytes()) if config.is_file() else _config_of(tensors)
        with torch.device("meta"):
            module: Any = Dinov2Model(Dinov2Config(**described))
    except Exception as error:  # transformers has kinds of its own, and each version others
        raise WeightsError(f"{config}: {' '.join(str(error).split())}") from error
    return module.eval().requires_grad_(False)


def _config_of(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """What the hub's tensors tell; ViT-L/14 where they do not."""

    def shape(key: str, published: tuple[int, ...]) -> tuple[int, ...]:
        found = tuple(tensors[key].shape) if key in tensors else ()
        return found if len(found) == len(published) else published

    _, positions, dim = shape("pos_embed", (1, 1370, 1024))
    patch = shape("patch_embed.proj.weight", (1024, 3, 14, 14))[-1]
    hidden = shape("blocks.0.mlp.fc1.weight", (4 * dim, dim))[0]
    blocks = {key.split(".")[1] for key in tensors if key.startswith("blocks.")}
    return {
        "hidden_size": dim,
        "num_hidden_layers": len(blocks) or 24,
        "num_attention_heads": max(1, dim // _HEAD_SIZE),
        "mlp_ratio": hidden // dim,
        "image_size": math.isqrt(positions - 1) * patch,
        "patch_size": patch,
    }
