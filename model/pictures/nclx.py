"""Colours that a file names by numbers instead of a profile: `nclx` of HEIC, cICP of PNG (ITU-T H.273)."""

from __future__ import annotations

import re
from functools import cache
from struct import pack, unpack

import numpy as np
from numpy.typing import NDArray

Chromaticity = tuple[float, float]  # x, y

_D65: Chromaticity = (0.3127, 0.3290)
_C: Chromaticity = (0.310, 0.316)
_CINEMA: Chromaticity = (0.314, 0.351)
_D50 = np.array([0.9642, 1.0, 0.8249])  # XYZ of ICC's connection space
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_SRGB_PRIMARIES = (1, 2)  # BT.709, and unspecified
_SMPTE_C = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_PRIMARIES: dict[int, tuple[tuple[Chromaticity, Chromaticity, Chromaticity], Chromaticity]] = {
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), _C),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), _D65),  # BT.601 of 625 lines
    6: (_SMPTE_C, _D65),  # BT.601 of 525 lines
    7: (_SMPTE_C, _D65),
    8: (((0.681, 0.319), (0.243, 0.692), (0.145, 0.049)), _C),
    9: (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), _D65),  # BT.2020
    11: (_P3, _CINEMA),
    12: (_P3, _D65),  # Display P3
    22: (((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)), _D65),  # EBU
}
_UNSPECIFIED = 2  # H.273's number for it
_KNOWN_PRIMARIES = {1, 2, *range(4, 13), 22}
_KNOWN_TRANSFERS = {1, 2, *range(4, 19)}
_KNOWN_MATRICES = {*range(15)} - {3}
_NCLX = re.compile(rb"(?<=colrnclx).{6}", re.DOTALL)
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}  # other transfers are taken for sRGB's, which photos of eight bits have
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # IEC 61966-2-1


def nclx_profile(primaries: int, transfer: int) -> bytes | None:
    """An ICC profile of these code points; None for sRGB and for what is not known."""
    if primaries in _PRIMARIES:
        return _profile(primaries, transfer)
    return None


@cache
def _profile(primaries: int, transfer: int) -> bytes:
    curve = (_GAMMAS[transfer],) if transfer in _GAMMAS else _SRGB_CURVE
    colours, white = _PRIMARIES[primaries]
    return matrix_profile(colours, white, curve, f"H.273 primaries {primaries}, transfer {transfer}")


def with_known_code_points(content: bytes) -> bytes:
    """A HEIC file whose `nclx` says nothing that nobody knows, which decoders would refuse."""

    def known(found: re.Match[bytes]) -> bytes:
        given = zip(unpack(">HHH", found[0]), (_KNOWN_PRIMARIES, _KNOWN_TRANSFERS, _KNOWN_MATRICES), strict=True)
        return pack(">HHH", *(number if number in numbers else _UNSPECIFIED for number, numbers in given))

    return _NCLX.sub(known, content)


def matrix_profile(
    primaries: tuple[Chromaticity, Chromaticity, Chromaticity],
    white: Chromaticity,
    curve: tuple[float, ...],
    description: str,
) -> bytes:
    """An ICC v4 display profile (ICC.1:2010) of three primaries and one curve for all.

    Args:
        curve: one gamma, or the five numbers g, a, b, c, d of ((a x + b)^g from d on, c x below).
    """
    adapted = _adapted(_xyz(white))
    columns = np.stack([_xyz(primary) for primary in primaries], 1)
    columns = adapted @ (columns * np.linalg.solve(columns, _xyz(white)))
    of_curve = b"para\0\0\0\0" + pack(">HH", 0 if len(curve) == 1 else 3, 0) + _fixed(curve)
    tags = {
        b"desc": _text(description),
        b"cprt": _text("CC0"),
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(_D50),
        b"chad": b"sf32\0\0\0\0" + _fixed(adapted.ravel()),
        **{tag: b"XYZ \0\0\0\0" + _fixed(columns[:, i]) for i, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), of_curve),
    }
    return _file(tags)


def _xyz(colour: Chromaticity) -> NDArray[np.float64]:
    x, y = colour
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _adapted(white: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3): from a white to D50, as ICC wants it (Bradford)."""
    cones = _BRADFORD @ _D50 / (_BRADFORD @ white)
    adaptation: NDArray[np.float64] = np.linalg.solve(_BRADFORD, cones[:, None] * _BRADFORD)
    return adaptation


def _fixed(numbers: NDArray[np.float64] | tuple[float, ...]) -> bytes:
    """s15Fixed16."""
    return b"".join(pack(">i", round(float(number) * 65536)) for number in numbers)


def _text(text: str) -> bytes:
    return b"mluc\0\0\0\0" + pack(">II", 1, 12) + b"enUS" + pack(">II", 2 * len(text), 28) + text.encode("utf-16-be")


def _file(tags: dict[bytes, bytes]) -> bytes:
    directory, body = pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        directory += tag + pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = pack(">I4sI4s4s4s", start + len(body), b"\0" * 4, 0x04200000, b"mntr", b"RGB ", b"XYZ ")
    header += b"\0" * 12 + b"acsp" + b"\0" * 28 + _fixed(_D50)
    return header.ljust(128, b"\0") + directory + body
