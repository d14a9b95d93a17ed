"""What OOTDiffusion can refuse beside what every try-on does."""

from __future__ import annotations

from model.codes import Code


class OOTDiffusionCode(Code):
    VARIANT_NOT_LOADED = "variant_not_loaded", 422, "the weights of the variant asked for are not there"
