"""What an avatar can be refused for, whatever engine makes it."""

from __future__ import annotations

from model.codes import Code


class AvatarCode(Code):
    NO_PERSON = "no_person", 422, "nobody was found in the photo"
    NO_PARSING = "no_parsing", 422, "parts were asked for, and the weights to tell them apart are not there"
    NO_MATTING = "no_matting", 422, "a photo is not cut out, and the weights to do it are not there"
    NO_RIG = "no_rig", 422, "what was asked for needs a skeleton, and this service writes none"
    BAD_AVATAR = "bad_avatar", 422, "`avatar` is not a file that `keep` has written"
