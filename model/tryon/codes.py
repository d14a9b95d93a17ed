"""What a try-on can refuse, whatever engine does it."""

from __future__ import annotations

from model.codes import Code


class TryOnCode(Code):
    NO_PERSON = "no_person", 422, "nobody was found in the photo"
    NO_AUTOMASK = "no_automask", 422, "no mask was sent, and the weights to find one are not there"
    CATEGORY_UNANSWERED = (
        "category_unanswered",
        422,
        "no mask maker that is there can tell where a garment of this category goes",
    )
    BAD_MASK = "bad_mask", 422, "the mask has another aspect than the person, or is none; `detail` says what was seen"
    MASK_EMPTY = "mask_empty", 422, "a mask, sent or found, without anything to paint"
    MASK_COVERS_ALL = "mask_covers_all", 422, "a mask, sent or found, without anything to keep"
    FORMAT_TOO_SMALL = "format_too_small", 422, "the result is longer than the output format can hold"
