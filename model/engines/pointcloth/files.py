"""Where the point-based clothing's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

from pathlib import Path

from model.perception.files import label_map_files

FOLDER = "pointcloth"

DRAPING = "pointcloth/draping_network.safetensors"
BODY_POINTS = "pointcloth/body_points.npz"  # `clothed` (V,), `samples` (N,) and `root` (3,) of the body below
CODES = "pointcloth/codes.npz"  # outfits by name, (8,) each
# The first that is there: one of its own, else that of the built-in avatar.
BODIES = ("pointcloth/body.npz", "up2you/human_models/models/smplx/SMPLX_NEUTRAL.npz")
PERCEPTUAL = "pointcloth/vgg19.safetensors"  # optional; appearance is fitted with it if it is there


def body_file(weights: Path) -> Path:
    """The body that the weights' points belong to."""
    return next((weights / name for name in BODIES if (weights / name).is_file()), weights / BODIES[0])


def files(weights: Path) -> list[Path]:
    """Every file the engine reads, present or not, and those that it reads only if they are there."""
    needed = [weights / DRAPING, weights / BODY_POINTS]
    if not (weights / FOLDER).is_dir():  # what else it could use is other engines', and says nothing
        return needed
    optional = [weights / CODES, weights / PERCEPTUAL, *label_map_files(weights)]
    return [*needed, body_file(weights), *(file for file in optional if file.is_file())]
