"""`CATALOGUE`: the operator's garments, a picture each in a folder or under a prefix in S3.

shirt.jpg     a garment: its name, slug and category are told by the file's name
shirt.json    if there is one, `{"name": ..., "category": ..., "slug": ...}`, each of which may be left out
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from model.tryon.request import Category
from serve.addresses import path_of
from serve.aws import AwsError
from serve.codes import FrontCode
from serve.errors import InputUnavailable, NoSuchGarment
from serve.garment_names import category_of, slugs_of
from serve.s3 import S3
from serve.threads import to_the_end

SCHEME = "catalogue"
SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$"
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_SIDECAR = ".json"
_MOST_FILES = 20_000  # under a prefix: with more it is hardly the one that was meant
_READ_AT_ONCE = 8  # requests to S3, within the connections that its client keeps

log = logging.getLogger(__name__)


class Sidecar(BaseModel):
    """What is said of a garment beside its picture. Other members are whoever's."""

    name: str | None = Field(None, min_length=1, max_length=200)
    category: Annotated[Category | None, BeforeValidator(lambda word: "overall" if word == "dress" else word)] = None
    slug: str | None = Field(None, pattern=SLUG_PATTERN, max_length=64)


@dataclass(frozen=True)
class CatalogueEntry:
    """One of the catalogue."""

    slug: str
    name: str
    category: Category
    address: str  # `file:///...` or `s3://...`

    @property
    def reference(self) -> str:
        """What a request calls it."""
        return f"{SCHEME}:{self.slug}"


class Catalogue:
    """All garments, in the order of their files' names.

    Args:
        place: `file:///folder/` or `s3://bucket/prefix/`; None: there are none.
        believed_s: how long a list that was read is believed.
    """

    def __init__(self, place: str | None, s3: S3, *, believed_s: float) -> None:
        self._place = place
        self._s3 = s3
        self._believed_s = believed_s
        self._read_at: float | None = None
        self._garments: Mapping[str, CatalogueEntry] = {}
        self._reading = asyncio.Lock()

    async def garments(self) -> Sequence[CatalogueEntry]:
        """As they are now, or were a moment ago.

        Raises:
            InputUnavailable: they cannot be read, and never could.
        """
        async with self._reading:
            if self._place is not None and not self._is_fresh():
                await self._refresh(self._place)
        return list(self._garments.values())

    async def find(self, slug: str, field: str | None = None) -> CatalogueEntry:
        """The garment of this slug.

        Raises:
            NoSuchGarment: there is none.
        """
        await self.garments()
        if slug not in self._garments:
            raise NoSuchGarment(f"the catalogue has no garment '{slug[:64]}'; GET /api/catalogue lists it", field=field)
        return self._garments[slug]

    async def bring(self, slug: str, to: Path, max_bytes: int, field: str | None = None) -> bool:
        """Write a garment's picture to a file; False if it is larger than `max_bytes`.

        Raises:
            NoSuchGarment, InputUnavailable: there is none, or it cannot be had.
        """
        garment = await self.find(slug, field)
        try:
            if garment.address.startswith("s3://"):
                return await self._s3.download(garment.address, to, max_bytes)
            return await to_the_end(_copied, path_of(garment.address), to, max_bytes)
        except AwsError as error:
            raise _unavailable(error.code, field, retryable=error.passing) from None
        except FileNotFoundError:
            raise _unavailable("its picture is gone", field, retryable=False) from None

    async def completed(self, fields: dict[str, object]) -> dict[str, object]:
        """A request's body, with the category of its garment where it is of the catalogue and the body has none."""
        fields = await self._with_category(fields, "")
        layers = fields.get("layers")
        if isinstance(layers, list):
            named = [
                await self._with_category(layer, f"layers.{i}.") if isinstance(layer, dict) else layer
                for i, layer in enumerate(layers)
            ]
            fields = {**fields, "layers": named}
        return fields

    async def _with_category(self, fields: dict[str, object], place: str) -> dict[str, object]:
        slug = slug_in(fields.get("garment"))
        if slug is None or {"category", "cloth_type"} & fields.keys():
            return fields
        return {**fields, "category": (await self.find(slug, f"{place}garment")).category}

    def _is_fresh(self) -> bool:
        return self._read_at is not None and time.monotonic() - self._read_at < self._believed_s

    async def _refresh(self, place: str) -> None:
        try:
            self._garments = _by_slug(await self._listed(place))
        except (AwsError, OSError) as error:
            reason = error.code if isinstance(error, AwsError) else os.strerror(error.errno or 0)
            log.warning("the catalogue cannot be read", extra={"reason": reason})
            if self._read_at is None:
                passing = error.passing if isinstance(error, AwsError) else True
                raise _unavailable(reason, None, retryable=passing) from None
        self._read_at = time.monotonic()

    async def _listed(self, place: str) -> list[CatalogueEntry]:
        files = await self._files(place)
        addresses = {_stem(name): address for name, address in files.items() if name.endswith(_SIDECAR)}
        pictures = sorted(name for name in files if _is_picture(name))
        told = await self._sidecars({stem: addresses[stem] for stem in map(_stem, pictures) if stem in addresses})
        slugs = slugs_of(pictures)
        return [_garment(name, files[name], slugs[name], told.get(_stem(name), Sidecar())) for name in pictures]

    async def _files(self, place: str) -> dict[str, str]:
        """Name -> address of all that lies there, not deeper."""
        if place.startswith("s3://"):
            return {uri.rsplit("/", 1)[1]: uri for uri in await self._s3.children(place, _MOST_FILES)}
        return {name: place + quote(os.fsencode(name)) for name in await asyncio.to_thread(os.listdir, path_of(place))}

    async def _sidecars(self, addresses: Mapping[str, str]) -> dict[str, Sidecar]:
        turn = asyncio.Semaphore(_READ_AT_ONCE)

        async def read(stem: str, address: str) -> tuple[str, Sidecar]:
            async with turn:
                return stem, _told(stem, await self._content(address))

        return dict(await asyncio.gather(*(read(stem, address) for stem, address in addresses.items())))

    async def _content(self, address: str) -> bytes:
        if address.startswith("s3://"):
            return await self._s3.read(address) or b"{}"
        return await asyncio.to_thread(path_of(address).read_bytes)


def slug_in(reference: object) -> str | None:
    """The slug that a reference names, if it is one to the catalogue."""
    if not isinstance(reference, str) or not reference.strip().lower().startswith(f"{SCHEME}:"):
        return None
    return reference.strip()[len(SCHEME) + 1 :]


def _by_slug(garments: Sequence[CatalogueEntry]) -> dict[str, CatalogueEntry]:
    found: dict[str, CatalogueEntry] = {}
    for garment in garments:
        if found.setdefault(garment.slug, garment) is not garment:
            log.warning("two garments have one slug; the later is left out", extra={"slug": garment.slug})
    return found


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _PICTURES and not name.startswith((".", "_"))


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _garment(name: str, address: str, slug: str, told: Sidecar) -> CatalogueEntry:
    stem = _stem(name)
    return CatalogueEntry(
        told.slug or slug, told.name or stem.replace("_", " "), told.category or category_of(stem), address
    )


def _told(stem: str, content: bytes) -> Sidecar:
    try:
        return Sidecar.model_validate(json.loads(content))
    except (ValueError, ValidationError) as error:
        log.warning("a garment's sidecar is not read", extra={"garment": stem, "reason": str(error)[:200]})
        return Sidecar()


def _copied(source: Path, to: Path, max_bytes: int) -> bool:
    if source.stat().st_size > max_bytes:
        return False
    to.write_bytes(source.read_bytes())
    return True


def _unavailable(reason: str, field: str | None, *, retryable: bool) -> InputUnavailable:
    detail = f"the catalogue cannot be read: {reason}"
    return InputUnavailable(detail, code=FrontCode.INPUT_UNAVAILABLE, field=field, retryable=retryable)
