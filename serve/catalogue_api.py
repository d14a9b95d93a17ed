"""`GET /api/catalogue`, and the pictures of its garments, large and small, kept by browsers for a while."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from model.tryon.request import Category
from serve.addresses_of_jobs import CATALOGUE, Addresses
from serve.answers import Told
from serve.catalogue import Catalogue
from serve.codes import FrontCode
from serve.errors import TooLarge, UnsupportedMedia
from serve.fetch import check_picture

_THUMBNAIL_SIDE, _THUMBNAILS = 320, 512  # pixels; how many are remembered
_QUALITY = 85  # of small JPEGs
_HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
_KINDS = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}


class CatalogueGarment(Told):
    """One garment."""

    slug: str = Field(description="`catalogue:` and this is its picture in a request. It stays.")
    name: str
    category: Category
    picture: str = Field(description="Where its picture is given out. With a token: signed, and valid for a while.")
    thumbnail: str = Field(description="The same as a JPEG of at most 320 pixels a side.")


class CatalogueList(Told):
    """The garments of `CATALOGUE`, in the order of their files' names."""

    garments: list[CatalogueGarment]
    total: int


@dataclass(frozen=True)
class CatalogueApi:
    """The routes and what they need."""

    catalogue: Catalogue
    addresses: Addresses
    max_bytes: int
    max_pixels: int
    _thumbnails: OrderedDict[str, bytes] = field(default_factory=OrderedDict)  # by the hash of the picture

    def routes(self) -> APIRouter:
        router = APIRouter(prefix=CATALOGUE.removesuffix("/"))
        router.add_api_route("", self.show, methods=["GET"], summary="Garments to put on", response_model=None)
        router.add_api_route("/{slug}/picture", self.picture, methods=["GET"], summary="A garment's picture")
        router.add_api_route("/{slug}/thumbnail", self.thumbnail, methods=["GET"], summary="The same, small")
        return router

    async def show(self) -> Response:
        garments = [
            CatalogueGarment(
                slug=one.slug,
                name=one.name,
                category=one.category,
                picture=self.addresses.of_catalogue(f"{one.slug}/picture"),
                thumbnail=self.addresses.of_catalogue(f"{one.slug}/thumbnail"),
            )
            for one in await self.catalogue.garments()
        ]
        told = CatalogueList(garments=garments, total=len(garments))
        return Response(told.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def picture(self, slug: str, request: Request) -> Response:
        content = await self._content(slug)
        return _cached(request, content, _KINDS.get(content[:2], "image/heic"))

    async def thumbnail(self, slug: str, request: Request) -> Response:
        content = await self._content(slug)
        digest = hashlib.sha256(content).hexdigest()
        small = self._thumbnails.get(digest)
        if small is None:
            small = self._thumbnails[digest] = await asyncio.to_thread(_small, slug, content)
            if len(self._thumbnails) > _THUMBNAILS:
                self._thumbnails.popitem(last=False)
        return _cached(request, small, "image/jpeg")

    async def _content(self, slug: str) -> bytes:
        """The picture's file, which is one that we read.

        Raises:
            Problem: there is no such garment, or it is none.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "garment"
            if not await self.catalogue.bring(slug, file, self.max_bytes):
                raise TooLarge(f"the picture of '{slug}' is larger than {self.max_bytes} bytes")
            await asyncio.to_thread(check_picture, slug, file, self.max_pixels)
            return await asyncio.to_thread(file.read_bytes)


def _cached(request: Request, content: bytes, kind: str) -> Response:
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = {"ETag": etag, **_HEADERS}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)


def _small(slug: str, content: bytes) -> bytes:
    """The picture, upright and on white, no side longer than a thumbnail's."""
    from PIL import Image, ImageOps  # not before it is needed

    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.draft("RGB", (2 * _THUMBNAIL_SIDE, 2 * _THUMBNAIL_SIDE))
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, SyntaxError, ValueError):
        detail = f"the picture of '{slug}' cannot be read"
        raise UnsupportedMedia(detail, code=FrontCode.UNSUPPORTED_PICTURE) from None
    upright.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    white = Image.new("RGBA", upright.size, "white")
    buffer = io.BytesIO()
    Image.alpha_composite(white, upright).convert("RGB").save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
