"""The tokens that cross-attention sees: a word for the kind of garment, and its picture as CLIP sees it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection
from transformers.models.clip.modeling_clip import CLIPTextEmbeddings, CLIPVisionEmbeddings

from model.engines.ootdiffusion.files import TOKENIZER
from model.engines.ootdiffusion.request import Variant
from model.errors import WeightsError
from model.tryon.request import Category

# Cut after one token, as published: "upperbody" is "upper", "lowerbody" is "lower".
WORDS: Mapping[Category, str] = {
    "upper": "upperbody",
    "inner": "upperbody",
    "outer": "upperbody",
    "lower": "lowerbody",
    "overall": "dress",
}
_WORD_TOKENS = 3  # with begin and end
_SIDE = 224  # pixels: what CLIP sees, with the mean and deviation of its training pictures
_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
_STD = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)


class Prompts:
    """The text half of all prompts, which never changes: encoded once, on the host in float32."""

    @torch.no_grad()
    def __init__(self, encoder: CLIPTextModel, weights: Path) -> None:
        tokenizer = _tokenizer(weights / TOKENIZER)

        def states(text: str, tokens: int) -> Tensor:
            ids = tokenizer(text, padding="max_length", max_length=tokens, truncation=True, return_tensors="pt")
            hidden: Tensor = encoder(ids.input_ids).last_hidden_state
            return hidden

        self._begin = states("", 2)[:, :1]
        self._words = {word: states(word, _WORD_TOKENS) for word in dict.fromkeys(WORDS.values())}

    def __call__(self, variant: Variant, category: Category, image: Tensor) -> Tensor:
        """The prompt for a garment whose image embedding is (1, D): (1, 2, D) for `hd`, (1, 4, D) for `dc`.

        `hd` knows no word: the embedding stands where the empty text ends.
        """
        text = self._begin if variant == "hd" else self._words[WORDS[category]]
        return torch.cat([text.to(image.device), image[:, None]], dim=1)


def _tokenizer(folder: Path) -> CLIPTokenizer:
    try:
        tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"{folder}: {error}") from error
    return tokenizer


class ImageEncoder(nn.Module):
    """CLIP's view of pictures, as a network whose rows are independent: (R, 3, 224, 224) -> (R, D), not normalised."""

    def __init__(self, clip: CLIPVisionModelWithProjection) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels are from `clip_pixels`."""
        embeddings: Tensor = self.clip(pixel_values=pixels).image_embeds
        return embeddings


def clip_pixels(picture: Image.Image) -> Tensor:
    """The middle square of an RGB picture as CLIP was trained to see it: (1, 3, 224, 224) float32."""
    width, height = picture.size
    short = min(width, height)
    resized = picture.resize((_SIDE * width // short, _SIDE * height // short), Resampling.BICUBIC)
    left, top = (resized.width - _SIDE) // 2, (resized.height - _SIDE) // 2
    square = np.asarray(resized.crop((left, top, left + _SIDE, top + _SIDE)), dtype=np.float32)
    normalised = (square / 255 - _MEAN) / _STD
    return torch.from_numpy(normalised).permute(2, 0, 1)[None].contiguous()


def restore_positions(encoder: nn.Module) -> None:
    """Number the positions: the one thing of CLIP that is neither in a file nor in a config."""
    for module in encoder.modules():
        if isinstance(module, CLIPTextEmbeddings | CLIPVisionEmbeddings):
            table = module.position_embedding
            positions = torch.arange(table.num_embeddings, device=table.weight.device)[None]
            module.register_buffer("position_ids", positions, persistent=False)
