"""Where the avatar's weights lie, in the published layout. Imported by the front process, so: never torch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from model.weights.layout import CONFIG, TRANSFORMERS_TENSOR_FILES, network_files, tensor_file

FOLDER = "up2you"

UNET = "up2you/base/unet"
VAE = "up2you/base/vae"
TEXT_ENCODER = "up2you/base/text_encoder"
TOKENIZER = "up2you/base/tokenizer"
TOKENIZER_FILES = ("vocab.json", "merges.txt")
SCHEDULER = "up2you/base/scheduler/scheduler_config.json"
DINO = "up2you/dinov2"
# As transformers saves it, with its config; or as torch.hub does, without.
DINO_TENSOR_FILES = (*TRANSFORMERS_TENSOR_FILES, "dinov2_vitl14_pretrain.pth")

SHAPE_PREDICTOR = "up2you/pretrained_models/shape_predictor.pt"
FEATURE_AGGREGATOR = "up2you/pretrained_models/feature_aggregator.pt"
RGB_ADAPTER = "up2you/pretrained_models/rgb_adapter.safetensors"
NORMAL_ADAPTER = "up2you/pretrained_models/normal_adapter.safetensors"

BODY = "up2you/human_models/models/smplx/SMPLX_NEUTRAL.npz"
# Both optional. The published ids are a pickle, which is never opened here: converted to arrays beforehand.
HAND_IDS = "up2you/human_models/smpl_data/MANO_SMPLX_vertex_ids.npz"
LANDMARK_IDS = "up2you/human_models/smpl_data/smplx_vertex_lmkid.npy"

MATTING = "perception/matting.onnx"
PARSING = "perception/parsing_atr.onnx"  # only for parts


def files(weights: Path) -> list[Path]:
    """Every file the engine reads, present or not, and those that it reads only if they are there."""
    tensors = (SHAPE_PREDICTOR, FEATURE_AGGREGATOR, RGB_ADAPTER, NORMAL_ADAPTER)
    needed = [
        *network_files(weights / UNET),
        *network_files(weights / VAE),
        weights / TEXT_ENCODER / CONFIG,
        tensor_file(weights / TEXT_ENCODER, TRANSFORMERS_TENSOR_FILES),
        *(weights / TOKENIZER / name for name in TOKENIZER_FILES),
        tensor_file(weights / DINO, DINO_TENSOR_FILES),
        *(weights / name for name in (SCHEDULER, *tensors, BODY)),
    ]
    if find_spec("mediapipe") is None:  # its light model can stand in
        needed.append(weights / MATTING)
    shared = (MATTING, PARSING) if (weights / FOLDER).is_dir() else ()  # alone they are other engines'
    optional = [weights / name for name in (f"{DINO}/{CONFIG}", HAND_IDS, LANDMARK_IDS, *shared)]
    return list(dict.fromkeys(needed + [file for file in optional if file.is_file()]))
