"""A CLIP text encoder, tiny and untrained, and a tokenizer of single letters and a few pairs of them."""

from __future__ import annotations

from pathlib import Path

from torch import Generator
from transformers import CLIPTextConfig, CLIPTextModel

from model.demo_pack.tensors import Config, seeded, write_json, write_tensors
from model.weights.layout import CONFIG, TRANSFORMERS_TENSOR_FILES

_START, _END, _PAD = "<|startoftext|>", "<|endoftext|>", "!"
_LETTERS = [chr(code) for code in range(ord("!"), ord("~") + 1)]
_MERGES = [("n", "o"), ("no", "r"), ("v", "i")]


def write_text_encoder(encoder: Path, tokenizer: Path, width: int, generator: Generator) -> None:
    """Both folders, in the published layout. width: of the states."""
    tokens = [*_LETTERS, *(f"{letter}</w>" for letter in _LETTERS), *("".join(pair) for pair in _MERGES)]
    vocabulary = {token: number for number, token in enumerate([*tokens, _START, _END])}
    config: Config = {
        "model_type": "clip_text_model",
        "architectures": ["CLIPTextModel"],
        "vocab_size": len(vocabulary),
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "projection_dim": width,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "hidden_act": "gelu",
        "pad_token_id": vocabulary[_PAD],
        "bos_token_id": vocabulary[_START],
        "eos_token_id": vocabulary[_END],
    }
    clip = seeded(CLIPTextModel(CLIPTextConfig(**config)), generator, _published)
    write_json(encoder / CONFIG, config)
    write_tensors(encoder / TRANSFORMERS_TENSOR_FILES[0], clip)
    special = {"bos_token": _START, "eos_token": _END, "unk_token": _END, "pad_token": _PAD}
    write_json(tokenizer / "vocab.json", vocabulary)
    write_json(tokenizer / "special_tokens_map.json", special)
    kind = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True}
    write_json(tokenizer / "tokenizer_config.json", kind | special)
    merges = "\n".join(["#version: 0.2", *(" ".join(pair) for pair in _MERGES), ""])
    (tokenizer / "merges.txt").write_text(merges)


def _published(name: str) -> str:
    """transformers 5 has dropped the prefix that every published text encoder has."""
    return f"text_model.{name.removeprefix('text_model.')}"
