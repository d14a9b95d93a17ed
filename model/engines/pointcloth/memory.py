"""What fitting an outfit holds of a device's memory."""

from __future__ import annotations

from model.engines.pointcloth.drape.network import REPEATS, DrapeSizes

FIT_POINTS = 512  # of the cloud while a code is sought
FIT_CODES = 4  # sought at once
_FLOAT = 4  # bytes, whatever the weights are stored in
_CORNERS = 140  # numbers of a point: where it lies in both lattices of a block, and with which weights


def fit_bytes(sizes: DrapeSizes, points: int = FIT_POINTS, codes: int = FIT_CODES) -> int:
    """What the way back to the codes needs of the way to the clothes."""
    of_point = sum(sizes.width + 2 * 3 * features + _CORNERS for features, _, _ in sizes.heads)
    of_point += 2 * sizes.width // REPEATS
    of_lattices = sum(2 * features * (flat**2 + spatial**3) for features, flat, spatial in sizes.heads)
    return codes * REPEATS * (points * of_point + of_lattices) * _FLOAT
