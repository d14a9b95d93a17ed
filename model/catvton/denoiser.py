"""The UNet as a network whose rows are independent."""

from __future__ import annotations

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn


class Denoiser(nn.Module):
    """Predicts the noise in latents."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, latents: Tensor, timesteps: Tensor, condition: Tensor) -> Tensor:
        """
        Args:
            latents: (R, 4, h, w) float32, person beside garment.
            timesteps: (R,) int64.
            condition: (R, 5 or 4, h, w) float32, from `condition_rows`.

        Returns:
            (R, 4, h, w) float32.
        """
        seen = torch.cat([latents, condition], dim=1).to(self.unet.dtype)  # (R, 9 or 8, h, w)
        prediction: Tensor = self.unet(seen, timesteps, encoder_hidden_states=None, return_dict=False)[0]
        return prediction.float()
