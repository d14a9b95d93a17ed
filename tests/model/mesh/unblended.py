"""Our rasteriser without antialiasing, as the reference data was made."""

from __future__ import annotations

from torch import Tensor

from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import Fragments


class Unblended(Torch):
    """Pixels are covered or not."""

    def antialias(self, picture: Tensor, fragments: Fragments, clip: Tensor, faces: Tensor) -> Tensor:
        return picture
