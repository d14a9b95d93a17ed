"""What an outfit can be refused for."""

from __future__ import annotations

from model.codes import Code


class OutfitCode(Code):
    NO_PERSON = "no_person", 422, "nobody was found in the photo"
    EMPTY_MASK = "empty_mask", 422, "the mask shows no clothes"
    BAD_OUTFIT = "bad_outfit", 422, "the outfit's file cannot be used: `detail` says why"
    BODY_MISMATCH = "body_mismatch", 422, "the body's file is of another topology than the outfit"
    BAD_BODY = "bad_body", 422, "the body's file or pose cannot be used: `detail` says why"
    BAD_MASK = "bad_mask", 422, "the mask is of another size than its photo"
    NO_MASK = "no_mask", 422, "no mask or body was sent, and the weights to find them are not there"
    NO_SUCH_OUTFIT = "no_such_outfit", 422, "no outfit of this name is built in"
