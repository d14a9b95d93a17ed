"""The reference's body in numbers, where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch import Tensor

from model.body.smplx import BodyModel, read_body

GOLDEN = Path(__file__).parents[3].parent / "shared/golden/up2you"


@pytest.fixture(scope="session")
def golden() -> Path:
    if not GOLDEN.is_dir():
        pytest.skip("the reference data is not here")
    return GOLDEN


@pytest.fixture(scope="session")
def apose(golden: Path) -> dict[str, Tensor]:
    return load_file(golden / "apose.safetensors")


@pytest.fixture(scope="session")
def body(golden: Path) -> BodyModel:
    return read_body(golden / "tiny_smplx.npz")
