"""How much device memory a try-on holds between forwards."""

from __future__ import annotations

from model.catvton.request import Request


def resident_bytes(request: Request) -> int:
    """Every row's condition, input latents and prediction, every sample's latents, noise and picture; float32."""
    if request.mask_only:
        return 0
    rows = request.samples * (2 if request.guidance > 1 else 1)
    cells = 2 * (request.height // 8) * (request.width // 8)
    latents = cells * (rows * (5 + 4 + 4) + request.samples * (4 + 4 + 4))
    pictures = 3 * request.height * request.width * (2 + request.samples)
    return 4 * (latents + pictures)
