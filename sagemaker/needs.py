"""How much GPU memory the engines need at their published sizes: computed, without a GPU and without weights.

python sagemaker/needs.py        # about a minute; writes needs.json, of which instances.py makes its tables

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

sys.path.append(str(Path(__file__).parent.parent))  # the engines

import real_sizes
import torch
from allocations import peak_bytes
from real_sizes import empty, weight_bytes
from torch import Tensor, nn

from model.catvton.denoiser import Denoiser
from model.catvton.memory import resident_bytes as tryon_job_bytes
from model.catvton.request import Request as TryOnRequest
from model.diffusion.autoencoder import Decoder, Encoder
from model.up2you.adapters import adapter_of
from model.up2you.reference_states import ReferencePass, level_sizes
from model.up2you.view_denoiser import CELL, VIEWS, ViewDenoiser
from model.up2you.view_memory import resident_bytes as avatar_job_bytes

FILE = Path(__file__).parent / "needs.json"
DTYPES = (torch.float16, torch.float32)
WIDTH, HEIGHT, ROWS = 768, 1024, (1, 2, 4, 6, 8)  # of a try-on; rows of the UNet, two for each guided picture
SIZE, PHOTOS, TOKENS = 768, 8, 2  # of an avatar; tokens each view looks at, in photos


@dataclass(frozen=True)
class Part:
    """A network, its weights, and what its forward holds beside its inputs; bytes."""

    name: str
    weights: int
    forward: int


@dataclass(frozen=True)
class Need:
    """What an engine needs at the moment that needs most; bytes.

    weights: what of them is on the device then. jobs: what live jobs hold between forwards. forward: what the forward
    of the network `of` holds beside its inputs.
    """

    engine: str
    dtype: str
    profile: str
    rows: int
    weights: int
    jobs: int
    forward: int
    of: str


def main() -> int:
    with torch.device("meta"):
        needs = [asdict(need) for dtype in DTYPES for need in (*tryon(dtype), *avatar(dtype))]
        content = {"parameters": parameters(), "needs": needs}
    FILE.write_text(json.dumps(content, indent=1) + "\n")
    print(FILE)
    return 0


def parameters() -> dict[str, int]:
    """Of each network, to be compared with what was published."""
    unet = real_sizes.avatar_unet()
    networks: dict[str, nn.Module] = {
        "try-on UNet": real_sizes.tryon_unet(),
        "autoencoder": real_sizes.autoencoder(),
        "avatar UNet": unet,
        "adapter": adapter_of(unet),
        "DINOv2": real_sizes.features(),
        "shape predictor": real_sizes.shape_predictor(),
        "feature aggregator": real_sizes.feature_aggregator(),
    }
    return {name: real_sizes.parameters(network) for name, network in networks.items()}


def tryon(dtype: torch.dtype) -> Iterator[Need]:
    """As many try-ons at once as make the rows."""
    unet, vae = (network.eval().to(dtype) for network in (real_sizes.tryon_unet(), real_sizes.autoencoder()))
    request = TryOnRequest.model_validate({"person": "p", "garment": "g", "width": WIDTH, "height": HEIGHT})
    cells = HEIGHT // 8, WIDTH // 8
    for rows in ROWS:
        pictures = max(rows // 2, 1)
        latents, condition = (empty(rows, channels, 2 * cells[0], cells[1]) for channels in (4, 5))
        parts = [
            _part("UNet", Denoiser(unet), latents, empty(rows, dtype=torch.int64), condition),
            _part("encoder", Encoder(vae), empty(2 * pictures, 3, HEIGHT, WIDTH)),
            _part("decoder", Decoder(vae), empty(pictures, 4, *cells)),
        ]
        jobs = pictures * tryon_job_bytes(request)
        yield _resident("tryon", dtype, rows, weight_bytes(unet, vae), jobs, parts)
        yield _low("tryon", dtype, rows, jobs, parts)


def avatar(dtype: torch.dtype) -> Iterator[Need]:
    """One avatar."""
    unet: Any = real_sizes.avatar_unet()
    networks = unet, real_sizes.autoencoder(), adapter_of(unet), adapter_of(unet), real_sizes.features()
    _, vae, adapter, other_adapter, dino = (network.eval().to(dtype) for network in networks)
    in_full = real_sizes.shape_predictor(), real_sizes.feature_aggregator()  # these compute in float32
    features, photos = empty(PHOTOS, 37, 37, 1024), empty(PHOTOS, 3, SIZE, SIZE)
    poses, cells = empty(VIEWS, 3, SIZE, SIZE), SIZE // CELL
    plain = [
        _part("DINOv2", dino, photos),
        _part("shape predictor", in_full[0], features[None]),
        _part("feature aggregator", in_full[1], poses, features, empty(PHOTOS, SIZE, SIZE)),
        _part("condition encoder", adapter.encoder, poses),
        _part("encoder", Encoder(vae), photos),
        _part("decoder", Decoder(vae), empty(VIEWS, 4, cells, cells)),
    ]
    jobs = avatar_job_bytes(unet, dtype, SIZE, SIZE, PHOTOS)
    everything = weight_bytes(unet, vae, adapter, other_adapter, dino, *in_full)
    yield _resident("avatar", dtype, VIEWS, everything, jobs, [*plain, *_views(unet, adapter, dtype, sliced=False)])
    yield _low("avatar", dtype, VIEWS, jobs, [*plain, *_views(unet, adapter, dtype, sliced=True)])


def _views(unet: Any, adapter: Any, dtype: torch.dtype, *, sliced: bool) -> list[Part]:
    """The two passes through the UNet, in the stage that looks at more."""
    cells = SIZE // CELL
    widths, sizes = unet.config.block_out_channels, level_sizes((cells, cells), len(unet.config.block_out_channels))
    residuals = [empty(VIEWS, width, *size, dtype=dtype) for width, size in zip(widths, sizes, strict=True)]
    states = empty(2, 77, unet.config.cross_attention_dim, dtype=dtype)
    denoiser = ViewDenoiser(unet, adapter, states, sliced=sliced).eval()
    reference_pass = ReferencePass(unet, states[1:], sliced=sliced).eval()
    photos = empty(PHOTOS, 4, cells, cells)
    with torch.no_grad():
        states_of_layers = reference_pass(photos)
    keys = [
        empty(VIEWS, TOKENS * layer.shape[1], layer.shape[2], dtype=dtype) for layer in states_of_layers for _ in "kv"
    ]
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
