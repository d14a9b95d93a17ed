"""The one binary buffer of a GLB: arrays, pictures, and the views and accessors that name them."""

from __future__ import annotations

from io import BytesIO
from typing import Literal

import numpy as np
import pygltflib as gltf
from PIL import Image

TextureFormat = Literal["png", "webp"]

_COMPONENTS = {
    np.dtype(np.uint8): gltf.UNSIGNED_BYTE,
    np.dtype(np.uint16): gltf.UNSIGNED_SHORT,
    np.dtype(np.uint32): gltf.UNSIGNED_INT,
    np.dtype(np.float32): gltf.FLOAT,
}
_SHAPES = {(): gltf.SCALAR, (2,): gltf.VEC2, (3,): gltf.VEC3, (4,): gltf.VEC4, (4, 4): gltf.MAT4}
_WEBP = "EXT_texture_webp"
_QUALITY = 90  # of pictures that lose something


class Buffer:
    """Everything begins at a multiple of four."""

    def __init__(self, document: gltf.GLTF2) -> None:
        self._document = document
        self._content = bytearray()

    def add(
        self, values: np.ndarray, target: int | None = None, *, bounds: bool = False, normalised: bool = False
    ) -> int:
        """Append an array; the index of its accessor."""
        view = self.add_view(values.tobytes(), target)
        return self.describe(values, view, bounds=bounds, normalised=normalised)

    def describe(
        self, values: np.ndarray, view: int | None = None, *, bounds: bool = False, normalised: bool = False
    ) -> int:
        """The index of a new accessor; without a view, of an array that an extension holds."""
        accessor = gltf.Accessor(
            bufferView=view,
            componentType=_COMPONENTS[values.dtype],
            type=_SHAPES[values.shape[1:]],
            count=len(values),
            normalized=normalised,
            byteOffset=None if view is None else 0,
            min=np.atleast_1d(values.min(0)).tolist() if bounds else None,
            max=np.atleast_1d(values.max(0)).tolist() if bounds else None,
        )
        self._document.accessors.append(accessor)
        return len(self._document.accessors) - 1

    def add_texture(self, picture: Image.Image, form: TextureFormat = "png") -> None:
        """Append a picture as texture 0, without metadata: losslessly, or as a small WebP beside a JPEG for whoever
        does not read that."""
        plain = Image.fromarray(np.asarray(picture.convert("RGB")))
        texture = gltf.Texture(source=0, sampler=0)
        if form == "webp":
            self._add_picture(plain, "jpeg")
            self._add_picture(plain, "webp")
            texture.extensions = {_WEBP: {"source": 1}}
            self._document.extensionsUsed.append(_WEBP)
        else:
            self._add_picture(plain, "png")
        self._document.samplers = [
            gltf.Sampler(
                magFilter=gltf.LINEAR,
                minFilter=gltf.LINEAR_MIPMAP_LINEAR,
                wrapS=gltf.CLAMP_TO_EDGE,
                wrapT=gltf.CLAMP_TO_EDGE,
            )
        ]
        self._document.textures = [texture]

    def _add_picture(self, picture: Image.Image, form: Literal["png", "jpeg", "webp"]) -> None:
        encoded = BytesIO()
        picture.save(encoded, form, **({} if form == "png" else {"quality": _QUALITY}))
        view = self.add_view(encoded.getvalue())
        self._document.images.append(gltf.Image(name="base_colour", mimeType=f"image/{form}", bufferView=view))

    def close(self) -> bytes:
        """The finished file."""
        self._document.buffers = [gltf.Buffer(byteLength=len(self._content))]
        self._document.set_binary_blob(bytes(self._content))
        return b"".join(self._document.save_to_bytes())

    def add_view(self, content: bytes, target: int | None = None) -> int:
        """Append bytes; the index of their view."""
        view = gltf.BufferView(buffer=0, byteOffset=len(self._content), byteLength=len(content), target=target)
        self._content += content + bytes(-len(content) % 4)
        self._document.bufferViews.append(view)
        return len(self._document.bufferViews) - 1
