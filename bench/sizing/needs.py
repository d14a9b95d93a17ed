"""How much GPU memory the engines need at their published sizes: computed, without a GPU and without weights.

python -m bench.sizing.needs        # about a minute; writes needs.json, of which sagemaker/instances.py makes its page

Every network is built without memory and run on tensors without memory, while what would be allocated and freed is
counted. Attention counts as a fused kernel, which holds no scores. Not counted: the CUDA context, workspaces of
convolutions, what the allocator loses to fragments, and an avatar's stages from the mesh on. Needs the project.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "sagemaker"))  # whose scripts stand alone

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from rent.needs import NEEDS_FILE, Need
from torch import Tensor, nn

from bench.sizing import real_sizes
from bench.sizing.real_sizes import empty, weight_bytes
from model.diffusion.autoencoder import LatentDecoder, LatentEncoder
from model.diffusion.fast_unet import FastUNet
from model.engines.catvton.fast_denoiser import FastDenoiser
from model.engines.catvton.memory import resident_bytes as tryon_job_bytes
from model.engines.catvton.request import Request as TryOnRequest
from model.engines.ootdiffusion.fusion import Denoiser, GarmentPass
from model.engines.ootdiffusion.memory import attention_sizes
from model.engines.ootdiffusion.memory import resident_bytes as outfitting_job_bytes
from model.engines.ootdiffusion.prompts import ImageEncoder
from model.engines.ootdiffusion.request import Request as OOTDiffusionRequest
from model.engines.pointcloth.drape.network import CODE, DrapingNetwork
from model.engines.pointcloth.memory import FIT_CODES, fit_bytes
from model.engines.up2you.views.adapters import adapter_of, fuse_views
from model.engines.up2you.views.denoiser import CELL, VIEWS, ViewDenoiser
from model.engines.up2you.views.memory import resident_bytes as avatar_job_bytes
from model.engines.up2you.views.reference_states import ReferencePass, level_sizes
from model.runtime.allocations import peak_bytes

DTYPES = (torch.float16, torch.float32)
WIDTH, HEIGHT, ROWS = 768, 1024, (1, 2, 4, 6, 8)  # of a try-on; rows of the UNet, two for each guided picture
SIZE, PHOTOS, TOKENS = 768, 8, 2  # of an avatar; tokens each view looks at, in photos
TRAIN_STEPS = 1000  # timesteps the UNets know
OUTFITTING_PICTURES = 4  # of OOTDiffusion at once, if it is more than one
BODY_POINTS = 8192  # of an outfit, as published
AT_ONCE = (PHOTOS, 1)  # pictures in a forward of an avatar's networks, but for the UNet, which takes all views


@dataclass(frozen=True)
class Part:
    """A network, its weights, and what its forward holds beside its inputs; bytes."""

    name: str
    weights: int
    forward: int


def main() -> int:
    with torch.device("meta"):
        needs = [asdict(need) for dtype in DTYPES for need in (*tryon(dtype), *ootdiffusion(dtype), *avatar(dtype))]
        needs += [asdict(need) for need in outfit()]
        content = {"parameters": parameters(), "needs": needs}
    NEEDS_FILE.write_text(json.dumps(content, indent=1) + "\n")
    print(NEEDS_FILE)
    return 0


def parameters() -> dict[str, int]:
    """Of each network, to be compared with what was published."""
    unet = real_sizes.avatar_unet()
    networks: dict[str, nn.Module] = {
        "try-on UNet": real_sizes.tryon_unet(),
        "OOTDiffusion's garment UNet": real_sizes.outfitting_unet("unet_garm"),
        "OOTDiffusion's denoising UNet": real_sizes.outfitting_unet("unet_vton"),
        "CLIP's image encoder": real_sizes.image_encoder(),
        "autoencoder": real_sizes.autoencoder(),
        "avatar UNet": unet,
        "adapter": adapter_of(unet),
        "DINOv2": real_sizes.features(),
        "shape predictor": real_sizes.shape_predictor(),
        "feature aggregator": real_sizes.feature_aggregator(),
    }
    return {name: real_sizes.parameters(network) for name, network in networks.items()}


def tryon(dtype: torch.dtype) -> Iterator[Need]:
    """As many try-ons at once as make the rows; with the profile `low` one try-on of as many samples."""
    unet, vae = (network.eval().to(dtype) for network in (real_sizes.tryon_unet(), real_sizes.autoencoder()))
    cells = HEIGHT // 8, WIDTH // 8
    denoiser = FastDenoiser(FastUNet(unet, TRAIN_STEPS))

    def parts(rows: int, encoded: int, decoded: int) -> list[Part]:
        latents, condition = (empty(rows, channels, 2 * cells[0], cells[1]) for channels in (4, 5))
        return [
            _part("UNet", denoiser, latents, empty(rows, dtype=torch.int64), condition),
            _part("encoder", LatentEncoder(vae), empty(encoded, 3, HEIGHT, WIDTH)),
            _part("decoder", LatentDecoder(vae), empty(decoded, 4, *cells)),
        ]

    for rows in ROWS:
        pictures = max(rows // 2, 1)
        jobs = pictures * _tryon_job_bytes(samples=1)
        everything = weight_bytes(denoiser, vae)
        yield _resident("tryon", dtype, rows, everything, jobs, parts(rows, encoded=2 * pictures, decoded=pictures))
        job = _tryon_job_bytes(samples=pictures)
        yield _low("tryon", dtype, rows, job, parts(rows, encoded=2, decoded=pictures))


def _tryon_job_bytes(samples: int) -> int:
    fields = {"person": "p", "garment": "g", "width": WIDTH, "height": HEIGHT, "samples": samples}
    return tryon_job_bytes(TryOnRequest.model_validate(fields))


def ootdiffusion(dtype: torch.dtype) -> Iterator[Need]:
    """As `tryon`; resident are the UNets of both variants, of which a request uses one."""
    garment, unet = (real_sizes.outfitting_unet(name).eval().to(dtype) for name in ("unet_garm", "unet_vton"))
    vae: Any = real_sizes.autoencoder().eval().to(dtype)
    clip: Any = real_sizes.image_encoder()
    jobs = {samples: _outfitting_job_bytes(unet, dtype, samples) for samples in (1, OUTFITTING_PICTURES)}
    fast_garment, fast = FastUNet(garment, 1), FastUNet(unet, TRAIN_STEPS)
    cells = HEIGHT // 8, WIDTH // 8
    keys = [empty(1, 2, *size, dtype=dtype) for size in attention_sizes(unet, cells) for _ in ("key", "value")]

    def parts(pictures: int, garments: int, *, sliced: bool) -> list[Part]:
        latents, prompt = empty(pictures, 4, *cells), empty(pictures, 2, 768)
        seen = [key.expand(pictures, *key.shape[1:]) for key in keys]
        both = empty(2 * garments, 4, *cells), empty(2 * garments, 2, 768)
        denoiser = Denoiser(fast, sliced=sliced)
        return [
            _part("denoising UNet", denoiser, latents, empty(pictures, dtype=torch.int64), latents, prompt, *seen),
            _part("garment UNet", GarmentPass(fast_garment, fast, sliced=sliced), *both),
            _part("image encoder", ImageEncoder(clip), empty(garments, 3, 224, 224)),
            _part("encoder", LatentEncoder(vae), empty(3 * garments, 3, HEIGHT, WIDTH)),
            _part("decoder", LatentDecoder(vae), empty(pictures, 4, *cells)),
        ]

    everything = 2 * weight_bytes(fast_garment, fast) + weight_bytes(vae, clip)
    for pictures in (1, OUTFITTING_PICTURES):
        whole, in_slices = parts(pictures, pictures, sliced=False), parts(pictures, 1, sliced=True)
        yield _resident("ootdiffusion", dtype, 2 * pictures, everything, pictures * jobs[1], whole)
        yield _low("ootdiffusion", dtype, 2 * pictures, jobs[pictures], in_slices)


def _outfitting_job_bytes(unet: UNet2DConditionModel, dtype: torch.dtype, samples: int) -> int:
    fields = {"person": "p", "garment": "g", "width": WIDTH, "height": HEIGHT, "samples": samples}
    return outfitting_job_bytes(OOTDiffusionRequest.model_validate(fields), unet, dtype)


def avatar(dtype: torch.dtype) -> Iterator[Need]:
    """One avatar."""
    unet: Any = real_sizes.avatar_unet()
    vae: Any = real_sizes.autoencoder()
    adapter: Any = adapter_of(unet)
    other_adapter, dino = adapter_of(unet), real_sizes.features()
    for network in (unet, vae, adapter, other_adapter, dino):
        network.eval().to(dtype)
    in_full = real_sizes.shape_predictor(), real_sizes.feature_aggregator()  # these compute in float32
    features, poses, cells = empty(PHOTOS, 37, 37, 1024), empty(VIEWS, 3, SIZE, SIZE), SIZE // CELL
    fast = FastUNet(unet, TRAIN_STEPS)
    for one in (adapter, other_adapter):
        fuse_views(one)
    jobs = avatar_job_bytes(unet, dtype, SIZE, SIZE, PHOTOS)
    everything = weight_bytes(fast, vae, adapter, other_adapter, dino, *in_full)
    for rows in AT_ONCE:
        plain = [
            _part("DINOv2", dino, empty(rows, 3, SIZE, SIZE)),
            _part("shape predictor", in_full[0], features[None]),
            _part("feature aggregator", in_full[1], poses, features, empty(PHOTOS, SIZE, SIZE)),
            _part("condition encoder", adapter.encoder, poses),
            _part("encoder", LatentEncoder(vae), empty(rows, 3, SIZE, SIZE)),
            _part("decoder", LatentDecoder(vae), empty(min(rows, VIEWS), 4, cells, cells)),
        ]
        whole, sliced = (_views(fast, adapter, dtype, rows, sliced=sliced) for sliced in (False, True))
        yield _resident("avatar", dtype, rows, everything, jobs, [*plain, *whole])
        yield _low("avatar", dtype, rows, jobs, [*plain, *sliced])


def outfit() -> Iterator[Need]:
    """One fit, which computes in float32 whatever the dtype; its rows are codes sought at once. Then it is worn."""
    network = DrapingNetwork()
    worn = _part("draping network", network, empty(1, BODY_POINTS, 3), empty(1, CODE))
    yield _resident("outfit", torch.float32, FIT_CODES, worn.weights, fit_bytes(network.sizes), [worn])


def _views(fast: FastUNet, adapter: Any, dtype: torch.dtype, rows: int, *, sliced: bool) -> list[Part]:
    """The two passes through the UNet, in the stage that looks at more."""
    cells, unet = SIZE // CELL, fast.stock
    widths, sizes = unet.config.block_out_channels, level_sizes((cells, cells), len(unet.config.block_out_channels))
    residuals = [empty(VIEWS, width, *size, dtype=dtype) for width, size in zip(widths, sizes, strict=True)]
    states = empty(2, 77, unet.config.cross_attention_dim, dtype=dtype)
    denoiser = ViewDenoiser(fast, adapter, states, sliced=sliced).eval()
    reference_pass = ReferencePass(fast, states[1:], sliced=sliced).eval()
    photos = empty(rows, 4, cells, cells)
    with torch.no_grad():
        seen = [layer.shape[1:] for layer in reference_pass(photos)]  # of each layer: tokens of a photo, width
    keys = [empty(VIEWS, TOKENS * tokens, width, dtype=dtype) for tokens, width in seen for _ in ("key", "value")]
    inputs = empty(VIEWS, 4, cells, cells), empty(VIEWS, dtype=torch.int64), *residuals, *keys
    return [_part("UNet", denoiser, *inputs), _part("reference pass", reference_pass, photos)]


def _part(name: str, network: nn.Module, *inputs: Tensor) -> Part:
    return Part(name, weight_bytes(network), peak_bytes(network, *inputs))


def _resident(engine: str, dtype: torch.dtype, rows: int, everything: int, jobs: int, parts: Sequence[Part]) -> Need:
    most = max(parts, key=lambda part: part.forward)
    return Need(engine, _name(dtype), "resident", rows, everything, jobs, most.forward, most.name)


def _low(engine: str, dtype: torch.dtype, rows: int, jobs: int, parts: Sequence[Part]) -> Need:
    most = max(parts, key=lambda part: part.weights + part.forward)
    return Need(engine, _name(dtype), "low", rows, most.weights, jobs, most.forward, most.name)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


if __name__ == "__main__":
    sys.exit(main())
