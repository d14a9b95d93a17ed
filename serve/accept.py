"""What form of answer a client asked for, by RFC 9110, 12.5.1."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from fastapi import Request as HttpRequest

from model.request import PictureFormat, Request
from serve.codes import FrontCode
from serve.errors import Invalid

JSON, NDJSON, SSE = "application/json", "application/x-ndjson", "text/event-stream"
STREAMS = (NDJSON, SSE)

_FORMATS: dict[str, PictureFormat] = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}
_OTHER_NAMES = {"*": "*/*", "image/jpg": "image/jpeg"}  # that are in use
_ITEM = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')  # a comma may be quoted
_QUALITY = re.compile(r";\s*q\s*=\s*(\d(?:\.\d*)?|\.\d+)\s*(?:;|$)", re.IGNORECASE)


@dataclass(frozen=True)
class MediaRange:
    """`image/png`, `image/*` or `*/*`, and how welcome that is, 0 to 1. Other parameters say nothing here."""

    kind: str
    quality: float

    @classmethod
    def parse(cls, item: str) -> MediaRange:
        kind = item.split(";")[0].strip().lower()
        found = _QUALITY.search(item)
        return cls(_OTHER_NAMES.get(kind, kind), min(float(found[1]), 1.0) if found else 1.0)

    def specificity(self, media_type: str) -> int:
        """How exactly it names the media type; 0: not at all."""
        whole_type = f"{media_type.split('/')[0]}/*"
        return {media_type: 3, whole_type: 2, "*/*": 1}.get(self.kind, 0)


@dataclass(frozen=True)
class Accept:
    """The media ranges of all `Accept` headers, in their order. None: whatever we like."""

    ranges: tuple[MediaRange, ...] = ()

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Accept:
        return cls(tuple(MediaRange.parse(item) for item in _ITEM.findall(",".join(lines)) if item.strip()))

    @classmethod
    def of(cls, request: HttpRequest) -> Accept:
        return cls.parse(request.headers.getlist("accept"))

    def best(self, offers: Sequence[str]) -> str | None:
        """The most welcome offer: of equals what the header names first, then what is offered first. None: no offer is
        acceptable."""
        if not self.ranges:
            return offers[0]
        ranked = [(self._rank(offer), index) for index, offer in enumerate(offers)]
        acceptable = [(-quality, place, index) for (quality, place), index in ranked if quality > 0]
        return offers[min(acceptable)[2]] if acceptable else None

    def _rank(self, media_type: str) -> tuple[float, int]:
        """How welcome it is by the range that names it most exactly, and that range's place."""
        named = [(-one.specificity(media_type), -one.quality, place) for place, one in enumerate(self.ranges)]
        specificity, quality, place = min(named)
        return (-quality if specificity else 0.0, place)

    def names(self, media_type: str) -> bool:
        """Whether it names this very picture type."""
        return media_type in _FORMATS and any(one.kind == media_type for one in self.ranges)

    def best_stream(self) -> str:
        """Which kind of stream it is to be.

        Raises:
            Invalid: neither.
        """
        return self.best(STREAMS) or _refuse(STREAMS)

    def settle(self, request: Request) -> str:
        """The media type of the answer to a request; a picture's is noted in its `output.format`, if it names none.

        Raises:
            Invalid: no answer to it would be acceptable.
        """
        pictures = [kind for kind in request.media_types if _FORMATS.get(kind) == request.output.format]
        if pictures and "format" in request.output.model_fields_set:
            files = pictures
        else:
            files = [*pictures, *(kind for kind in request.media_types if kind not in pictures)]
        chosen = self.best([JSON, *files, *STREAMS])
        if chosen is None and self.best(request.media_types):
            raise Invalid("'output.format' is none that the Accept header allows", field="output.format")
        if chosen is None:
            _refuse([JSON, *request.media_types, *STREAMS])
        if chosen in _FORMATS:
            request.output.format = _FORMATS[chosen]
        return chosen


ANYTHING = Accept()


def _refuse(known: Sequence[str]) -> NoReturn:
    raise Invalid(f"'Accept' allows nothing that is made here: {', '.join(known)}", code=FrontCode.BAD_ACCEPT)
