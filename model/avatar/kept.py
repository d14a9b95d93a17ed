"""`avatar.npz`: what of an avatar is enough to make it again, or the same person in other clothes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from model.avatar.codes import AvatarCode
from model.avatar.photos import FRAMED_SIZE
from model.avatar.request import MAX_PHOTOS
from model.body.smplx import SHAPES
from model.errors import InputError

_MOST_BYTES = MAX_PHOTOS * (4 * FRAMED_SIZE**2 + 2**16)  # what is packed in it, unpacked
_MOST_SHAPE = 10.0  # deviations; wilder bodies are no bodies


@dataclass(frozen=True)
class KeptAvatar:
    """photos: RGBA, the person cut out and centred, as the stage `photos` leaves them. betas: (10,), the shape."""

    photos: Sequence[Image.Image]
    betas: Tensor

    def write(self, file: Path) -> None:
        """As an archive of arrays: `betas`, and each photo's PNG as `photo_0` and so on."""
        pictures = {f"photo_{i}": _png(photo) for i, photo in enumerate(self.photos)}
        with file.open("wb") as to:
            np.savez(to, allow_pickle=False, betas=self.betas.numpy(force=True).astype(np.float32), **pictures)

    @classmethod
    def read(cls, file: Path) -> KeptAvatar:
        """From an archive that somebody sent.

        Raises:
            InputError: `bad_avatar`: it is not such an archive, or something in it is not what it should be.
        """
        try:
            with ZipFile(file) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                    raise ValueError("it is too large")
            with np.load(file, allow_pickle=False) as arrays:
                names = [name for name in arrays.files if name.startswith("photo_")]
                if not 0 < len(names) <= MAX_PHOTOS:
                    raise ValueError(f"it has {len(names)} photos")
                photos = [_photo(arrays[f"photo_{i}"]) for i in range(len(names))]
                return cls(photos, _betas(arrays["betas"]))
        except (OSError, ValueError, KeyError, BadZipFile, UnidentifiedImageError) as error:
            said = str(error) if type(error) is ValueError else type(error).__name__
            message = f"'avatar' is not an avatar.npz that 'keep' has written: {said}"
            raise InputError(message, code=AvatarCode.BAD_AVATAR, field="avatar") from error


def _png(photo: Image.Image) -> np.ndarray:
    encoded = BytesIO()
    photo.save(encoded, "PNG")
    return np.frombuffer(encoded.getvalue(), np.uint8)


def _photo(content: np.ndarray) -> Image.Image:
    if content.dtype != np.uint8 or content.ndim != 1:
        raise ValueError("a photo is no file")
    picture = Image.open(BytesIO(content.tobytes()), formats=["PNG"])
    if (picture.mode, picture.size) != ("RGBA", (FRAMED_SIZE, FRAMED_SIZE)):
        raise ValueError(f"a photo is {picture.mode} of {picture.width} x {picture.height} pixels")
    picture.load()
    return picture


def _betas(values: np.ndarray) -> Tensor:
    if values.dtype != np.float32 or values.shape != (SHAPES,) or not (np.abs(values) <= _MOST_SHAPE).all():
        raise ValueError("its shape is no shape")
    return torch.tensor(values.tolist())
