"""Getting a request's pictures into its job directory, and refusing at once what is none.

Only headers are read here. Decoding is the worker's work, which has no credentials and no network.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from struct import error as StructError

from model.codes import CommonCode
from model.request import MAX_FOLDER_FILES
from serve import catalogue, saved_people
from serve.addresses import lies_under, path_of
from serve.answers import Notice
from serve.aws import ARCHIVED, NO_CREDENTIALS, AwsError
from serve.base64_text import decoded, first_stranger, plain_base64
from serve.catalogue import Catalogue
from serve.codes import FrontCode
from serve.earlier_jobs import SCHEME, EarlierJobs
from serve.errors import InputUnavailable, Invalid, Problem, TooLarge, UnsupportedMedia, is_disk_full
from serve.https import Https
from serve.picture_header import READ, kind_of, picture_size
from serve.s3 import S3, split_uri
from serve.saved_people import SavedPeople
from serve.stray_files import is_stray, names
from serve.threads import to_the_end

_FILE_NAME = re.compile(r"[^\n]{1,300}\.(jpe?g|png|webp|hei[cf]|gif|bmp|tiff?)", re.IGNORECASE)
_MOST_LISTED = 1000  # objects of a folder, pictures or not


class Fetcher:
    """Reads `data:` URIs, bare base64, `https://`, `s3://`, `catalogue:` and, if allowed, `file://` and `saved:`."""

    def __init__(
        self,
        *,
        s3: S3,
        https: Https,
        max_bytes: int,
        max_pixels: int,
        allow_file_uris: bool,
        garments: Catalogue,
        input_allow: Collection[str] = (),
        earlier_jobs: EarlierJobs | None = None,
        people: SavedPeople | None = None,
    ) -> None:
        self._s3 = s3
        self._https = https
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._allow_file_uris = allow_file_uris
        self._garments = garments
        self._input_allow = tuple(input_allow)
        self._earlier_jobs = earlier_jobs
        self._people = people or SavedPeople(None, s3)

    async def fetch_all(
        self, references: Mapping[str, str | bytes], into: Path, plain_files: Mapping[str, str] | None = None
    ) -> list[Notice]:
        """Fetch every named reference to a file of that name; a folder's (`name/`) to `name.0`, `name.1`, ...

        Args:
            references: a form's files are there themselves.
            plain_files: names of inputs, or of lists of them, that are no pictures, and of the file a job has of them.

        Returns what the client should know, such as files of a folder that were left out.

        Raises:
            Problem: the first one that cannot be had or is no picture.
        """
        files = {field: with_plain_scheme(one) if isinstance(one, str) else one for field, one in references.items()}
        left_out: list[str] = []
        for field in [field for field in references if field.endswith("/")]:
            pictures, stray = await self._listed(field.removesuffix("/"), files.pop(field))
            files |= pictures
            left_out += stray
        await self._fetch_each(files, into, plain_files or {})
        message = f"left out, as no pictures by their names: {names(left_out)}"
        return [Notice(code="stray_files", message=message)] if left_out else []

    async def _fetch_each(self, files: Mapping[str, str | bytes], into: Path, plain_files: Mapping[str, str]) -> None:
        """All at once; the first that fails ends those that come from elsewhere, which may take long."""
        fetching = [
            self._fetch(field, reference, into / field, plain_files.get(field.partition(".")[0]))
            for field, reference in files.items()
        ]
        if all(map(is_inline, files.values())):
            failed = [error for error in await asyncio.gather(*fetching, return_exceptions=True) if error is not None]
            if failed:
                raise together(failed)
            return
        try:
            async with asyncio.TaskGroup() as group:
                for one in fetching:
                    group.create_task(one)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _listed(self, field: str, prefix: str | bytes) -> tuple[dict[str, str], list[str]]:
        """The pictures in a folder, as references of their own, and what else lies there."""
        if isinstance(prefix, bytes) or scheme_of(prefix) != "s3" or not prefix.endswith("/"):
            raise Invalid(f"'{field}' must be s3://bucket/key/, ending in '/'", field=field, code=FrontCode.BAD_URL)
        self._refuse_unless_allowed(field, prefix)
        try:
            objects = await self._s3.children(prefix, _MOST_LISTED)
        except AwsError as error:
            raise _unavailable(field, error) from None
        stray = [address for address in objects if is_stray(address)]
        pictures = [address for address in objects if not is_stray(address)]
        if not pictures:
            found = f"no picture, but {names(stray)}" if stray else "nothing"
            raise InputUnavailable(f"there is {found} under '{field}'", field=field)
        if len(pictures) > MAX_FOLDER_FILES:
            detail = f"there are more than {MAX_FOLDER_FILES} pictures under '{field}'"
            raise Invalid(detail, field=field, code=FrontCode.TOO_MANY_INPUTS)
        return {f"{field}.{i}": reference for i, reference in enumerate(pictures)}, stray

    async def _fetch(self, field: str, source: str | bytes, to: Path, plain: str | None = None) -> None:
        if isinstance(source, bytes):
            await to_the_end(self._write, field, source, to)
        else:
            await self._follow(field, source, to, plain)
        if plain is None:
            await asyncio.to_thread(check_picture, field, to, self._max_pixels)

    async def _follow(self, field: str, reference: str, to: Path, plain: str | None) -> None:
        match scheme_of(reference):
            case scheme if scheme == SCHEME and plain is not None and self._earlier_jobs is not None:
                await self._earlier_jobs.copy(field, reference, plain, to)
            case "https":
                await self._https.download(reference, to, self._max_bytes, field)
            case "s3":
                await self._from_s3(field, reference, to)
            case "file":
                await to_the_end(self._from_file, field, reference, to)
            case catalogue.SCHEME:
                slug = catalogue.slug_in(reference) or ""
                if not await self._garments.bring(slug, to, self._max_bytes, field):
                    raise self._too_large(field)
            case saved_people.SCHEME:
                if not await self._people.bring(field, reference, to, self._max_bytes):
                    raise self._too_large(field)
            case "data" | "":
                await to_the_end(self._from_base64, field, reference, to)
            case "http":
                raise Invalid(f"'{field}' is http://; send it as https://", field=field, code=FrontCode.BAD_URL)
            case scheme if len(scheme) == 1:  # a drive of Windows
                raise _no_reference(field, reference)
            case scheme:
                detail = f"'{field}' has the unknown scheme '{scheme}': send it as https://, s3://, data: or base64"
                raise Invalid(detail, field=field, code=FrontCode.BAD_URL)

    async def _from_s3(self, field: str, reference: str, to: Path) -> None:
        if not reference.startswith("s3://") or not all(split_uri(reference)) or reference.endswith("/"):
            raise Invalid(f"'{field}' must name its object as s3://bucket/key", field=field, code=FrontCode.BAD_URL)
        self._refuse_unless_allowed(field, reference)
        try:
            complete = await self._s3.download(reference, to, self._max_bytes)
        except AwsError as error:
            raise _unavailable(field, error) from None
        if not complete:
            raise self._too_large(field)

    def _from_file(self, field: str, reference: str, to: Path) -> None:
        if not self._allow_file_uris:
            raise Invalid(
                f"'{field}' is a file:// URI; set ALLOW_FILE_URIS=1", field=field, code=FrontCode.FILE_NOT_ALLOWED
            )
        if not reference.startswith("file:///"):
            raise Invalid(f"'{field}' must name its file as file:///path", field=field, code=FrontCode.BAD_URL)
        self._refuse_unless_allowed(field, reference)
        source = path_of(reference)
        try:
            if not source.is_file():
                raise InputUnavailable(f"'{field}': there is no file {source}", field=field)
            if source.stat().st_size > self._max_bytes:
                raise self._too_large(field)
            shutil.copyfile(source, to)
        except (OSError, ValueError) as error:
            if is_disk_full(error):
                raise
            raise InputUnavailable(f"'{field}' names a file that cannot be read", field=field) from None

    def _refuse_unless_allowed(self, field: str, reference: str) -> None:
        if self._input_allow and not lies_under(reference, self._input_allow):
            raise Invalid(
                f"'{field}' is not under a prefix allowed here", field=field, code=FrontCode.INPUT_NOT_ALLOWED
            )

    def _from_base64(self, field: str, reference: str, to: Path) -> None:
        encoded = reference
        if reference.startswith("data:"):
            kind, _, encoded = reference.partition(",")
            if not kind.lower().endswith(";base64"):
                raise Invalid(f"'{field}' is a data: URI that is not base64", field=field, code=FrontCode.BAD_BASE64)
        try:
            digits = plain_base64(encoded)
            if len(digits) > (self._max_bytes + 2) * 4 // 3 + 4:
                raise self._too_large(field)
            content = decoded(digits)
        except ValueError:
            raise _no_reference(field, encoded) from None
        self._write(field, content, to)

    def _write(self, field: str, content: bytes, to: Path) -> None:
        if len(content) > self._max_bytes:
            raise self._too_large(field)
        to.write_bytes(content)

    def _too_large(self, field: str) -> TooLarge:
        return TooLarge(f"'{field}' is larger than {self._max_bytes} bytes", field=field)


def together(failed: Sequence[BaseException]) -> BaseException:
    """The first of several failures, its sentence saying all of them. A fault of ours comes first."""
    problems = [error for error in failed if isinstance(error, Problem)]
    if len(problems) < len(failed):
        return next(error for error in failed if not isinstance(error, Problem))
    problems[0].detail = "; ".join(problem.detail for problem in problems)
    return problems[0]


def _no_reference(field: str, text: str) -> Invalid:
    """What a text seems to be instead of a picture or its address."""
    if _FILE_NAME.fullmatch(text):
        scheme = text.startswith(("//", "www."))
        advice = "begin it with https://" if scheme else "files of another machine cannot be read, send what is in it"
        detail = f"'{field}' looks like {'an address' if scheme else 'the name of a file'} ('{text[:60]}'): {advice}"
        return Invalid(detail, field=field, code=FrontCode.BAD_BASE64)
    stranger = first_stranger(text)
    why = f": there is {stranger[0]!r} at character {stranger[1]}" if stranger else ""
    return Invalid(f"'{field}' is neither a URI nor base64{why}", field=field, code=FrontCode.BAD_BASE64)


def _unavailable(field: str, error: AwsError) -> InputUnavailable:
    detail = f"'{field}' could not be read from S3: {error.code}"
    if error.code == NO_CREDENTIALS:
        detail += ": there are no AWS credentials; under network isolation send the picture itself"
    if error.code == ARCHIVED:
        detail += ": it is archived (GLACIER); restore it first"
    return InputUnavailable(detail, field=field, retryable=error.passing)


def scheme_of(reference: str) -> str:
    """`s3`, `https`, `data` ... in whatever case; empty for bare base64."""
    beginning = reference.lstrip()[:10]
    return beginning.split(":", 1)[0].lower() if ":" in beginning else ""


def with_plain_scheme(reference: str) -> str:
    """The reference without blanks around it, its scheme in small letters."""
    scheme = scheme_of(reference)
    return scheme + reference.strip()[len(scheme) :] if scheme else reference


def is_inline(source: str | bytes) -> bool:
    """Whether it is the picture itself."""
    return isinstance(source, bytes) or scheme_of(source) in ("data", "")


def check_picture(field: str, path: Path, max_pixels: int) -> None:
    """Refuse what does not begin like a picture we read, or claims too many pixels. Decodes nothing."""
    try:
        width, height = picture_size(path)
    except (OSError, SyntaxError, ValueError, StructError):
        raise _no_picture(field, kind_of(path)) from None
    if width * height > max_pixels:
        detail = f"'{field}' has {width} x {height} pixels, more than {max_pixels}"
        raise TooLarge(detail, field=field, code=FrontCode.TOO_MANY_PIXELS)
    if not width * height:
        raise Invalid(f"'{field}' has no pixels", field=field, code=CommonCode.IMAGE_UNREADABLE)


def _no_picture(field: str, kind: str | None) -> Invalid | UnsupportedMedia:
    if kind in READ:
        detail = f"'{field}' begins like {kind}, but ends early or is damaged: nothing says how large it is"
        return Invalid(detail, field=field, code=CommonCode.IMAGE_UNREADABLE)
    detail = f"'{field}' is {kind or 'no picture'}; send a JPEG, PNG, WebP or HEIC"
    return UnsupportedMedia(detail, field=field, code=FrontCode.UNSUPPORTED_PICTURE)
