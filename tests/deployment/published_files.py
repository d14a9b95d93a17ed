"""Repositories as they are published, with a few bytes in each file."""

from __future__ import annotations

from tests.deployment.hub_site import Repository


def _content(*paths: str) -> dict[str, bytes]:
    return {path: f"what is in {path}".encode() * 3 for path in paths}


_UNETS = ("unet_garm", "unet_vton")


def repositories() -> dict[str, Repository]:
    """What the engines are fetched from, and beside it what is not wanted."""
    network = ("config.json", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
    half = "diffusion_pytorch_model.fp16.safetensors"
    tokenizer = ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")
    return {
        "booksforcharlie/stable-diffusion-inpainting": Repository(
            _content(
                *(f"unet/{name}" for name in (*network, half)),
                "scheduler/scheduler_config.json",
                "text_encoder/model.safetensors",
                "README.md",
            ),
            licence="creativeml-openrail-m",
        ),
        "stabilityai/sd-vae-ft-mse": Repository(_content(*network, "README.md")),
        "zhengchong/CatVTON": Repository(
            _content(
                "mix-48k-1024/attention/model.safetensors",
                "vitonhd-16k-512/attention/model.safetensors",
                "DensePose/model_final_162be9.pkl",
                "SCHP/exp-schp-201908261155-lip.pth",
                "SCHP/exp-schp-201908301523-atr.pth",
            ),
            licence="cc-by-nc-sa-4.0",
        ),
        "levihsu/OOTDiffusion": Repository(
            _content(
                "checkpoints/humanparsing/parsing_lip.onnx",
                "checkpoints/humanparsing/parsing_atr.onnx",
                *(
                    f"checkpoints/ootd/{folder}/{name}"
                    for folder in ("vae", *(f"ootd_{v}/checkpoint-36000/{u}" for v in ("hd", "dc") for u in _UNETS))
                    for name in network[:2]
                ),
                *(f"checkpoints/ootd/text_encoder/{name}" for name in ("config.json", "model.safetensors")),
                *(f"checkpoints/ootd/tokenizer/{name}" for name in tokenizer),
                "checkpoints/ootd/scheduler/scheduler_config.json",
                "checkpoints/ootd/model_index.json",
            ),
            licence="cc-by-nc-sa-4.0",
        ),
        "openai/clip-vit-large-patch14": Repository(
            _content("config.json", "model.safetensors", "pytorch_model.bin", "vocab.json")
        ),
        "onnx-community/BiRefNet_lite-ONNX": Repository(_content("onnx/model.onnx", "onnx/model_fp16.onnx")),
        "yzd-v/DWPose": Repository(_content("dw-ll_ucoco_384.onnx", "yolox_l.onnx"), licence="apache-2.0"),
        "timbrooks/instruct-pix2pix": Repository(
            _content(*(f"unet/{name}" for name in network), "scheduler/scheduler_config.json")
        ),
        "zhengchong/CatVTON-MaskFree": Repository(
            _content("mix-48k-1024/attention/model.safetensors"), licence="cc-by-nc-sa-4.0", gated=True
        ),
        "Manojb/stable-diffusion-2-1-base": Repository(
            _content(
                *(f"{part}/{name}" for part in ("unet", "vae") for name in (*network, half)),
                *(f"text_encoder/{name}" for name in ("config.json", "pytorch_model.bin")),
                *(f"tokenizer/{name}" for name in tokenizer),
                "scheduler/scheduler_config.json",
            ),
            licence="openrail++",
        ),
        "facebook/dinov2-large": Repository(_content("config.json", "model.safetensors"), licence="apache-2.0"),
        "Co2y/UP2You": Repository(
            _content(
                "pretrained_models/shape_predictor.pt",
                "pretrained_models/feature_aggregator.pt",
                "rgb_adapter.safetensors",
                "normal_adapter.safetensors",
                "human_models/models/smplx/SMPLX_NEUTRAL.npz",
            )
        ),
    }
