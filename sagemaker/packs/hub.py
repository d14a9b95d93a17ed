"""Repositories of the Hugging Face hub: what is in them at one commit, and fetching it, verified."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from packs.published import Wanted
from packs.weight_errors import ChecksumError, GatedError, NotPublishedError, PackError

T = TypeVar("T")

_CHUNK_BYTES = 2**22  # written at a time
_MORE_ATTEMPTS = 4  # of a download, each from where the last one broke off


@dataclass(frozen=True)
class Digests:
    """Both names the hub has for a file's content: large ones go by their sha256, small ones by git's."""

    sha256: str
    git: str


@dataclass(frozen=True)
class RemoteFile:
    """A file at one commit. digest: its sha256 if `large`, else git's of a blob."""

    path: str
    size: int
    digest: str
    large: bool

    def verify(self, name: str, actual: Digests) -> None:
        """
        Raises:
            ChecksumError: `name`, whose digests are `actual`, is not this file.
        """
        if (found := actual.sha256 if self.large else actual.git) != self.digest:
            raise ChecksumError(name, self.digest, found)


@dataclass(frozen=True)
class Commit:
    """A repository at one commit. licence: what its own card says, if it says anything."""

    repository: str
    revision: str
    licence: str | None
    files: dict[str, RemoteFile]

    def find(self, wanted: Wanted) -> RemoteFile:
        """
        Raises:
            NotPublishedError: none of the names is there, or, of a file that may lie anywhere, more than one.
        """
        for name in wanted.names:
            if name in self.files:
                return self.files[name]
            lying = [path for path in self.files if path.endswith(f"/{name}")] if wanted.anywhere else []
            if len(lying) == 1:
                return self.files[lying[0]]
            if lying:
                raise NotPublishedError(self.repository, self.revision, name, f" of its own, but {', '.join(lying)}")
        hint = f"; it has {', '.join(sorted(self.files)[:20]) or 'no files'}"
        raise NotPublishedError(self.repository, self.revision, " or ".join(wanted.names), hint)


class Hub:
    """The hub, through its own client: tokens, proxies, retries and resumed transfers are the client's business.

    Args:
        endpoint: another address; None: HF_ENDPOINT, else huggingface.co.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        from huggingface_hub import HfApi  # a third of a second, which --help need not take

        self._api = HfApi(endpoint=endpoint, library_name="atelier")

    def at(self, repository: str, revision: str) -> Commit:
        """`repository` at a commit, branch or tag, which is resolved to a commit.

        Raises:
            GatedError, NotPublishedError: it cannot be looked at.
        """
        ask = partial(self._api.model_info, repository, revision=revision, files_metadata=True)
        info = self._asked(repository, revision, ask)
        files = {
            item.rfilename: RemoteFile(
                path=item.rfilename,
                size=item.size or 0,
                digest=item.lfs.sha256 if item.lfs else item.blob_id or "",
                large=item.lfs is not None,
            )
            for item in info.siblings or []
        }
        licence = None if info.card_data is None else info.card_data.get("license")
        return Commit(repository, str(info.sha), licence and str(licence), files)

    def fetch(self, commit: Commit, file: RemoteFile, folder: Path) -> Path:
        """Bring a file of `commit` under `folder` and verify it.

        Raises:
            GatedError, NotPublishedError: it may not be had.
            ChecksumError: what came is not what was published; it is deleted.
        """
        fetch = partial(self._going_on, commit, file.path, folder)
        local = Path(self._asked(commit.repository, commit.revision, fetch, file.path))
        try:
            file.verify(f"{commit.repository}: {file.path}", digests(local))
        except ChecksumError:
            local.unlink()
            raise
        return local

    def _going_on(self, commit: Commit, name: str, folder: Path) -> str:
        """A download that goes on where it broke off; clients before 1.0 leave that to who calls them."""
        from huggingface_hub import errors

        for _ in range(_MORE_ATTEMPTS):
            try:
                return self._api.hf_hub_download(commit.repository, name, revision=commit.revision, local_dir=folder)
            except errors.HfHubHTTPError:
                raise
            except OSError:
                print(f"{commit.repository}: {name} broke off; going on")
        return self._api.hf_hub_download(commit.repository, name, revision=commit.revision, local_dir=folder)

    def _asked(self, repository: str, revision: str, ask: Callable[[], T], name: str | None = None) -> T:
        from huggingface_hub import errors

        try:
            return ask()
        except errors.GatedRepoError as error:
            raise GatedError(repository, f"{self._api.endpoint}/{repository}") from error
        except errors.HfHubHTTPError as error:
            if error.response.status_code in (401, 403):  # the hub says 401 of private and of absent ones
                raise GatedError(repository, f"{self._api.endpoint}/{repository}") from error
            if error.response.status_code == 404:
                raise NotPublishedError(repository, revision, name) from error
            raise PackError(f"{repository}: {error}") from error
        except (OSError, errors.HTTPError) as error:  # type: ignore[attr-defined]  # network, disk, a file cut short
            raise PackError(f"{repository}: {error}") from error


def digests(file: Path) -> Digests:
    """Of one reading of the file."""
    sha256 = hashlib.sha256()
    git = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            sha256.update(chunk)
            git.update(chunk)
    return Digests(sha256.hexdigest(), git.hexdigest())
