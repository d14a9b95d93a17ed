"""How wrong the variant `tps` is, stage by stage."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from model.engines.warp.geometric.matching import GeometricMatching
from model.engines.warp.geometric.thin_plate import bending, interval_error
from model.engines.warp.tps.network import TPSAnswer
from model.train.warp.perceptual import VGGFeatures, feature_errors, style_error
from model.train.warp.spline.settings import SplineTraining
from model.train.warp.spline.source import SplineBatch

_PATCH_WIDTHS, _SLOPE = (64, 128, 256, 512), 0.2  # of the patch discriminator, as pix2pix has it


def matching_loss(
    warped: Sequence[Tensor], batch: SplineBatch, matching: GeometricMatching, settings: SplineTraining
) -> Tensor:
    """The garment through the spline against the worn one, colours where it is worn; its outline; labels.

    Args:
        warped: offsets, logits, cloth and cover, see `TPSNetwork.warped`.
    """
    theta, logits, cloth, cover = warped
    total = settings.cloth_loss * ((cloth - batch.truth).abs() * batch.cover).mean()
    total = total + settings.cover_loss * F.l1_loss(cover, batch.cover)
    total = total + settings.smooth_loss * bending(theta)
    if settings.grid_loss:
        grid = matching.grid(theta, (batch.truth.shape[2], batch.truth.shape[3]))
        total = total + settings.grid_loss * interval_error(grid)
    return total + settings.labels_loss * F.cross_entropy(logits, batch.labels)


def painting_loss(answer: TPSAnswer, batch: SplineBatch, vgg: VGGFeatures | None, settings: SplineTraining) -> Tensor:
    """The result against the truth, in colours and, with VGG, in features and style; where the garment is shown."""
    total = settings.result_loss * F.l1_loss(answer.result, batch.truth)
    total = total + settings.cover_loss * F.l1_loss(answer.share, batch.cover)
    if vgg is not None:
        found, true = vgg(answer.result), vgg(batch.truth)
        total = total + settings.perceptual_loss * feature_errors(found, true).sum()
        total = total + settings.style_loss * style_error(found, true)
    return total


class PatchDiscriminator(nn.Sequential):
    """Tells photos from results, 70 x 70 pixels at a time (arXiv 1611.07004). (B, 3, H, W) to logits."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        before = 3
        for width in _PATCH_WIDTHS:
            stride = 1 if width == _PATCH_WIDTHS[-1] else 2
            layers += [spectral_norm(nn.Conv2d(before, width, 4, stride, 1)), nn.LeakyReLU(_SLOPE)]
            before = width
        super().__init__(*layers, spectral_norm(nn.Conv2d(before, 1, 4, 1, 1)))


def adversarial_losses(discriminator: nn.Module, result: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Of what paints, whose gradients leave the discriminator alone, and of the discriminator (hinge)."""
    discriminator.requires_grad_(False)
    fooled = -discriminator(result).mean()
    discriminator.requires_grad_(True)
    false, true = discriminator(result.detach()), discriminator(truth)
    return fooled, torch.relu(1 + false).mean() + torch.relu(1 - true).mean()
