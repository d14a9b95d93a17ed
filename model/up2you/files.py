"""Where the avatar's weights lie, in the published layout. Imported by the front process, so: never torch."""

from __future__ import annotations

from model.weights.layout import TRANSFORMERS_TENSOR_FILES

FOLDER = "up2you"

UNET = "up2you/base/unet"
VAE = "up2you/base/vae"
TEXT_ENCODER = "up2you/base/text_encoder"
TOKENIZER = "up2you/base/tokenizer"
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
