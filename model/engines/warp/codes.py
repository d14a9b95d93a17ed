"""What the warping try-on can refuse beside what every try-on does."""

from __future__ import annotations

from model.codes import Code


class WarpCode(Code):
    VARIANT_NOT_LOADED = "variant_not_loaded", 422, "the weights of the variant asked for are not there"
