"""One person, as far as the stages have come."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import Image
from torch import Tensor

from model.mesh.mesh import Mesh


@dataclass
class Subject:
    """What the stages have made. Each field is there once the stage that makes it is done.

    photos: N RGBA pictures of 1024 x 1024, the person centred.
    features: (N, g, g, C) float32, of patches or pixels of the photos.
    betas: (10,) float32, the body's shape.
    poses: (6, 3 or more, size, size) float32, the body in A pose, front first, then round by its left: its normals in
        0..1, and what else an engine draws of it.
    weights: (6, N, g, g) float32, how much each patch says about each view; not negative.
    rgb, normals: six RGBA pictures of `size`, in the order of `poses`.
    mesh: the clothed body in metres, without colours.
    coloured: the same with the colour of each vertex.
    """

    photos: list[Image.Image] = field(default_factory=list)
    features: Tensor = field(init=False)
    betas: Tensor = field(init=False)
    poses: Tensor = field(init=False)
    weights: Tensor = field(init=False)
    rgb: list[Image.Image] = field(default_factory=list)
    normals: list[Image.Image] = field(default_factory=list)
    mesh: Mesh = field(init=False)
    coloured: Mesh = field(init=False)
