"""The same photos as others might have taken and cut them out: mirrored, framed and lit differently."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from model.engines.template.parsed import other_side
from model.train.template.kept_people import LabelledPhotos

_SHARE_FRAMED = 0.5  # of photos that are framed otherwise than the cut-out does
_LARGER = 0.08  # than photos are framed
_ASIDE = 0.05  # of the photo's width
_UNSAID = 0.1  # share of what label networks say that is not heard, so that nothing rests on them alone


def varied(photos: LabelledPhotos, zoom: float, light: float, generator: Generator) -> LabelledPhotos:
    """Half are mirrored, half framed anew, each lit differently. zoom, light: see `TemplateTraining`."""
    rows, device = len(photos.colours), photos.colours.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand((rows, *shape), generator=generator, device=device)

    mirrored = uniform(0, 1) < 0.5
    framed = uniform(0, 1) < _SHARE_FRAMED
    scale = torch.where(framed, 1 / uniform(1 - zoom, 1 + _LARGER), 1.0)
    shift = torch.where(framed[:, None], uniform(-2 * _ASIDE, 2 * _ASIDE, 2), 0.0)
    frames = torch.zeros(rows, 2, 3, device=device)
    frames[:, 0, 0] = torch.where(mirrored, -scale, scale)
    frames[:, 1, 1] = scale
    frames[:, :, 2] = shift
    side = torch.where(mirrored, -1.0, 1.0)
    places = _seen_in(photos.places, frames, "nearest")
    places[:, 0] *= side[:, None, None]
    colours = _seen_in(photos.colours, frames, "bilinear")
    colours[:, :3] = (colours[:, :3] * uniform(1 - light, 1 + light, 3)[..., None, None]).clamp(max=1)
    return LabelledPhotos(
        colours=colours,
        even=_seen_in(photos.even, frames, "bilinear"),
        layers=_labels_in(photos.layers, frames),
        places=places,
        coarse_layers=_labels_in(photos.coarse_layers, frames),
        azimuths=photos.azimuths * side,
        parsed=_labels_in(torch.where(mirrored[:, None, None, None], other_side(photos.parsed), photos.parsed), frames)
        * (uniform(0, 1, photos.parsed.shape[1]) > _UNSAID)[..., None, None],
    )


def _seen_in(pictures: Tensor, frames: Tensor, mode: str) -> Tensor:
    """Pictures, (B, C, H, W), in frames, (B, 2, 3), of coordinates from -1 to 1; nothing is beyond their borders."""
    grid = F.affine_grid(frames, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, mode=mode, padding_mode="zeros", align_corners=False)


def _labels_in(labels: Tensor, frames: Tensor) -> Tensor:
    planes = labels.reshape(len(labels), -1, *labels.shape[-2:]).float()
    return _seen_in(planes, frames, "nearest").round().long().reshape(labels.shape)
