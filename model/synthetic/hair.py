"""Hair: outlines around the middle of the face, what falls behind the head and what lies in front."""

from __future__ import annotations

from typing import Literal

from model.synthetic.shape import Points, blob, ellipse, outline

Hair = Literal["crop", "bob", "bun", "curls", "long"]


def _curls(centres: list[tuple[float, float, float]]) -> list[Points]:
    return [ellipse((x, y), (r, r)) for x, y, r in centres]


_CROP = outline(
    [(-34, 2), (-37, -18), (-33, -40), (-14, -55), (10, -56), (31, -44), (37, -20), (34, 2)],
    [(34, 2), (31, -10), (27, -23)],
    [(27, -23), (12, -27), (-8, -24), (-24, -30)],
    [(-24, -30), (-29, -16), (-34, 2)],
)
_SIDE_PARTED = outline(
    [(-37, 14), (-39, -14), (-33, -40), (-12, -55), (12, -54), (33, -38), (39, -12), (37, 14)],
    [(37, 14), (33, -4), (24, -22), (6, -34), (-10, -37)],
    [(-10, -37), (-22, -26), (-31, -8), (-37, 14)],
)
_BOB_FRONT = outline(
    [(-40, 44), (-46, 16), (-43, -20), (-28, -48), (0, -57), (28, -48), (43, -20), (46, 16), (40, 44)],
    [(40, 44), (30, 40), (33, 14), (31, -14)],
    [(31, -14), (10, -19), (-12, -18), (-31, -14)],
    [(-31, -14), (-33, 14), (-30, 40), (-40, 44)],
)
_LONG_BACK = blob(
    [
        (0, -54),
        (34, -42),
        (46, -4),
        (50, 50),
        (56, 104),
        (44, 124),
        (0, 112),
        (-44, 124),
        (-56, 104),
        (-50, 50),
        (-46, -4),
        (-34, -42),
    ]
)
_CURLS_RIGHT = [(44.0, 8.0, 17.0), (46, -14, 18), (37, -38, 19), (18, -54, 20), (38, 26, 13)]

BACK: dict[Hair, list[Points]] = {
    "crop": [],
    "bob": [blob([(0, -54), (34, -40), (46, 0), (45, 44), (20, 52), (-20, 52), (-45, 44), (-46, 0), (-34, -40)])],
    "bun": [
        ellipse((2, -62), (19, 17)),
        blob([(0, -52), (33, -36), (36, -4), (26, 14), (-26, 14), (-36, -4), (-33, -36)]),
    ],
    "curls": [*_curls([*_CURLS_RIGHT, *((-x, y, r) for x, y, r in _CURLS_RIGHT)]), ellipse((0, -20), (46, 42))],
    "long": [_LONG_BACK],
}
FRONT: dict[Hair, list[Points]] = {
    "crop": [_CROP],
    "bob": [_BOB_FRONT],
    "bun": [_SIDE_PARTED],
    "curls": _curls(
        [(-31, -22, 11), (-20, -37, 13), (-2, -42, 14), (17, -39, 13), (30, -24, 11), (-36, -6, 8), (36, -6, 8)]
    ),
    "long": [_SIDE_PARTED],
}
