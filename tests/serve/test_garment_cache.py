"""How much of the device garments may take that OOTDiffusion has seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from container.loading import garment_cache_bytes
from container.settings import Settings
from model.engines.ootdiffusion.files import FOLDER, unet_folder
from model.engines.pack import EnginePack
from model.weights.layout import tensor_file
from model.weights.pack import DEMO

MIB = 2**20


def test_of_small_weights_it_is_what_encoded_pictures_may_take() -> None:
    for latent_cache_bytes in (64 * MIB, 0):
        settings = Settings.model_validate({"latent_cache_bytes": latent_cache_bytes})
        assert garment_cache_bytes(settings, EnginePack("demo")) == latent_cache_bytes


def test_beside_published_weights_a_garment_of_their_size_fits(tmp_path: Path) -> None:
    shutil.copytree(DEMO / FOLDER, tmp_path / FOLDER)
    with tensor_file(unet_folder(tmp_path, "hd", "unet_vton")).open("ab") as sparse:
        sparse.truncate(600 * 10**6)
    values = sum(tokens * channels for tokens, channels in PUBLISHED)
    unset, low = (Settings.model_validate({"memory_profile": profile}) for profile in ("resident", "low"))
    assert 2 * 2 * 2 * values < garment_cache_bytes(unset, EnginePack(tmp_path)) == 320 * MIB
    assert garment_cache_bytes(low, EnginePack(tmp_path)) == 0


# Tokens and channels of the sixteen blocks at 768 x 1024.
PUBLISHED = [(12288, 320)] * 5 + [(3072, 640)] * 5 + [(768, 1280)] * 5 + [(192, 1280)]


@pytest.mark.parametrize("profile", ["resident", "low"])
def test_what_the_operator_says_counts_where_the_engine_is_loaded(profile: str) -> None:
    settings = Settings.model_validate({"garment_cache_bytes": 7, "memory_profile": profile})
    assert garment_cache_bytes(settings, EnginePack("demo")) == 7
    assert garment_cache_bytes(settings, None) == 0
