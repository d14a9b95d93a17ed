from __future__ import annotations

from model.codes import Code


class ProbeCode(Code):
    NOT_LIKED = "not_liked", 422, "a picture is not liked"


class UnheardOf(Code):
    """Of no engine."""

    MUMBLED = "mumbled", 422, "nobody knows"
