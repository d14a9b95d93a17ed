"""Weights that are not what their folder says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from model.engines.ootdiffusion import checkpoint
from model.engines.ootdiffusion.checkpoint import UNetName
from model.engines.ootdiffusion.files import files, unet_folder
from model.engines.ootdiffusion.request import Variant
from model.errors import WeightsError
from model.weights.pack import DEMO

TENSORS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def own_weights(weights: Path, tmp_path: Path) -> Path:
    """A copy that may be broken."""
    shutil.copytree(weights / "ootdiffusion", tmp_path / "ootdiffusion", copy_function=shutil.copyfile)
    for folder in tmp_path.rglob("*/"):
        folder.chmod(0o700)
    return tmp_path


def said(weights: Path, variant: Variant, name: UNetName) -> str:
    with pytest.raises(WeightsError) as caught:
        checkpoint.unet(weights, variant, name).checkpoints[0].verified()
    return caught.value.message


def test_files_in_the_wrong_folder_are_named(own_weights: Path) -> None:
    garment, denoiser = (unet_folder(own_weights, "hd", name) for name in ("unet_garm", "unet_vton"))
    shutil.copyfile(denoiser / TENSORS, garment / TENSORS)
    assert "this is the file of 'unet_vton'" in said(own_weights, "hd", "unet_garm")
    shutil.copyfile(denoiser / "config.json", garment / "config.json")
    assert "in_channels is 8, that of 'unet_garm' is 4" in said(own_weights, "hd", "unet_garm")
    shutil.copyfile(denoiser / TENSORS, unet_folder(own_weights, "dc", "unet_vton") / TENSORS)
    assert "the same file lies in the folders of 'dc' and 'hd'" in said(own_weights, "dc", "unet_vton")


def test_every_part_loads_and_every_file_is_listed(weights: Path) -> None:
    for part in checkpoint.parts(weights):
        part()
    assert [file for file in files(weights) if not file.is_file()] == []


def test_perception_files_alone_are_no_part_of_it(tmp_path: Path) -> None:
    shutil.copytree(DEMO / "perception", tmp_path / "perception")
    assert {file.is_file() for file in files(tmp_path)} == {False}


def test_a_lacking_variant_is_no_fault(own_weights: Path) -> None:
    shutil.rmtree(own_weights / "ootdiffusion/ootd/ootd_hd")
    assert [file for file in files(own_weights) if not file.is_file()] == []
    assert len(checkpoint.parts(own_weights)) == 6
