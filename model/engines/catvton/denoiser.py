"""The UNet as a network whose rows are independent."""

from __future__ import annotations

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn


class ConcatDenoiser(nn.Module):
    """Predicts the noise in latents."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, latents: Tensor, timesteps: Tensor, condition: Tensor) -> Tensor:
        """
        Args:
            latents: (R, C, h, w) float32, person beside garment. As published, C is 4.
            timesteps: (R,) int64.
            condition: (R, 1 + C or C, h, w) float32, from `condition_rows`.

        Returns:
            (R, C, h, w) float32.
        """
        seen = torch.cat([latents, condition], dim=1).to(self.unet.dtype)  # (R, 2C + 1 or 2C, h, w)
        prediction: Tensor = self.unet(seen, timesteps, encoder_hidden_states=None, return_dict=False)[0]
        return prediction.float()
