"""Where the template engine's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from model.perception.files import label_map_files

FOLDER = "template"

PLACE_NETWORK = "template/place_network.safetensors"
OUTFIT_NETWORK = "template/outfit_network.safetensors"
# The body that the wardrobe of `model.clothes` fits; no other will do.
BODY = "template/body.npz"
# Optional: by how many metres the body's measurements are off, as `python -m model evaluate --task avatar` finds it.
ERRORS = "template/errors.json"
# Both optional, and none of the built-in body.
HAND_IDS = "template/hand_ids.npz"
LANDMARK_IDS = "template/landmark_ids.npy"

MATTING = "perception/matting.onnx"


def files(weights: Path) -> list[Path]:
    """Every file the engine reads, present or not, and those that it reads only if they are there."""
    needed = [weights / name for name in (PLACE_NETWORK, OUTFIT_NETWORK, BODY)]
    if not (weights / FOLDER).is_dir():  # what else it could use is other engines', and says nothing
        return needed
    if find_spec("mediapipe") is None:  # its light model can stand in
        needed.append(weights / MATTING)
    optional = [weights / name for name in (ERRORS, MATTING, HAND_IDS, LANDMARK_IDS)]
    if parsers_are_there(weights):
        optional += label_map_files(weights)
    return list(dict.fromkeys(needed + [file for file in optional if file.is_file()]))


def parsers_are_there(weights: Path) -> bool:
    """Whether all label networks are; the place network can do without them, less well."""
    return all(file.is_file() for file in label_map_files(weights))
