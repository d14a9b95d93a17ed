"""Pictures that would not fit into an answer: made JPEG, then smaller, so that no work is done for nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from model.tryon.request import TryOnRequest
from serve.answers import Notice, OutputFile
from serve.codes import FrontCode
from serve.errors import TooLarge
from serve.live_job import LiveJob
from serve.picture_header import picture_size

FIRST_SIDE = 2048  # that a result which does not fit is scaled to; each further try halves it
_LEAST_SIDE = 64  # pixels: smaller, nobody would see what it is
_JPEG_QUALITY = 95  # as other results have
_BASE64 = 4 / 3  # bytes for each
_LOSSY = (b"\xff\xd8", b"ftyp")  # how files of such pictures begin, HEIF's after its first length


class InlineLimit:
    """How many bytes an answer may have that carries data.

    Args:
        max_bytes: 0: as many as it likes.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def refuse_hopeless(self, job: LiveJob) -> None:
        """Before anything is computed: a lossless result has no fewer bytes than the lossy photo that it is made from.

        Raises:
            TooLarge: the format that was asked for cannot fit.
        """
        request = job.request
        if not isinstance(request, TryOnRequest) or request.mask_only or not request.repaint or not job.format_named:
            return
        photo = job.directory.inputs / "person"
        if request.output.format == "png" and self._binds(job) and _is_lossy(photo):
            least = request.samples * photo.stat().st_size * _share_kept(photo, request.output.max_side)
            if not self._fits(job, least):
                detail = f"a PNG of this photo has at least {int(least)} bytes, too many for an answer: ask for jpeg, "
                raise TooLarge(
                    f"{detail}for a smaller 'output.max_side', or name 'output.prefix'",
                    code=FrontCode.INLINE_TOO_LARGE,
                    field="output.format",
                )

    def fitted(self, job: LiveJob, outputs: Sequence[OutputFile]) -> tuple[list[OutputFile], list[Notice]]:
        """The outputs, changed on disk until they fit; and what to tell the client of that.

        Raises:
            TooLarge: they are no pictures, and do not fit.
        """
        kept, said = list(outputs), list[Notice]()
        if not self._binds(job) or self._fits(job, self._bytes(job, kept)):
            return kept, said
        if not isinstance(job.request, TryOnRequest):
            total = sum(output.bytes for output in outputs)
            detail = f"the result has {total} bytes, too many for an inline answer; name 'output.prefix' or use jpeg"
            raise TooLarge(detail, code=FrontCode.INLINE_TOO_LARGE, field="output.inline")
        folder, side = job.directory.outputs, FIRST_SIDE
        if not job.format_named and not job.request.output.keep_alpha:
            kept = [_as_jpeg(folder, output) for output in kept]
        while not self._fits(job, self._bytes(job, kept)) and side >= _LEAST_SIDE:
            kept = [_scaled(folder, output, side) for output in kept]
            side //= 2
        width, height = _size(folder / kept[0].name)
        message = (
            f"to fit into an answer of {self._max_bytes} bytes the result is {kept[0].content_type}, {width} x {height}"
        )
        return kept, [Notice(code="resized", message=message)]

    def _binds(self, job: LiveJob) -> bool:
        return bool(self._max_bytes) and job.prefix is None and not job.durable

    def _bytes(self, job: LiveJob, outputs: Sequence[OutputFile]) -> float:
        """Of the answer's data; of a picture that is the answer itself, no other counts."""
        return outputs[0].bytes if job.is_file and outputs else sum(output.bytes for output in outputs)

    def _fits(self, job: LiveJob, count: float) -> bool:
        return count * (1 if job.is_file else _BASE64) <= self._max_bytes


def _is_lossy(photo: Path) -> bool:
    with photo.open("rb") as file:
        begin = file.read(8)
    return begin.startswith(_LOSSY[0]) or begin[4:] == _LOSSY[1]


def _share_kept(photo: Path, max_side: int | None) -> float:
    """Of a photo's pixels, when its longer side is shrunk to `max_side`."""
    longer = max(picture_size(photo))
    return min(1.0, (max_side or longer) / longer) ** 2


def _size(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


def _as_jpeg(folder: Path, output: OutputFile) -> OutputFile:
    """Masks stay what they are: they are small, and have to be exact."""
    if output.content_type == "image/jpeg" or output.name.startswith("mask"):
        return output
    with Image.open(folder / output.name) as picture:
        name = f"{output.name.rsplit('.', 1)[0]}.jpg"
        profile = picture.info.get("icc_profile")
        picture.convert("RGB").save(folder / name, "JPEG", quality=_JPEG_QUALITY, icc_profile=profile)
    return _described(folder / name, "image/jpeg")


def _scaled(folder: Path, output: OutputFile, side: int) -> OutputFile:
    with Image.open(folder / output.name) as picture:
        format, profile = picture.format, picture.info.get("icc_profile")
        small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    small.save(folder / output.name, format, quality=_JPEG_QUALITY, icc_profile=profile)
    return _described(folder / output.name, output.content_type)


def _described(file: Path, content_type: str) -> OutputFile:
    content = file.read_bytes()
    return OutputFile(
        name=file.name, content_type=content_type, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
