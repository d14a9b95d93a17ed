"""What can be wrong with weights while they are fetched and uploaded.

PackError                    printed as one line; exit 1
├─ NotPublishedError            a repository, revision or file is not where it is said to be
├─ GatedError                   a repository wants its conditions accepted first
├─ ChecksumError                a file is not what was published
├─ PickleRefusedError           a pickle holds something else than lists of numbers
├─ LayoutError                  a folder or a prefix would not make a MODEL_DIR
└─ LicenceNotAcceptedError      exit 2
"""

from __future__ import annotations

from pathlib import Path


class PackError(Exception):
    """The tree's root."""


class NotPublishedError(PackError):
    """`file` (or, if None, the revision) is not in `repository`."""

    def __init__(self, repository: str, revision: str, file: str | None, hint: str = "") -> None:
        what = f"there is no {file}" if file else "there is no such repository or revision"
        super().__init__(f"{repository} at {revision}: {what}{hint}")
        self.repository, self.revision, self.file = repository, revision, file


class GatedError(PackError):
    """`repository` answers only those who have accepted its conditions."""

    def __init__(self, repository: str, page: str) -> None:
        super().__init__(
            f"{repository} is gated or private: sign in at {page}, accept its conditions there, make a token that may "
            "read it, and set HF_TOKEN to it"
        )
        self.repository = repository


class ChecksumError(PackError):
    """`file` has another digest than it should."""

    def __init__(self, file: str, stated: str, actual: str) -> None:
        super().__init__(f"{file}: its digest is {actual}, it should be {stated}")
        self.file, self.stated, self.actual = file, stated, actual


class PickleRefusedError(PackError):
    """`file` was not opened any further."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file}: refused: {why}")
        self.file = file


class LayoutError(PackError):
    """`place` is no MODEL_DIR, or would not become one."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place}: {why}")
        self.place = place


class LicenceNotAcceptedError(PackError):
    """`licence` was not accepted."""

    def __init__(self, licence: str) -> None:
        super().__init__(f"the licence {licence} was not accepted: read it, then add --accept {licence}")
        self.licence = licence
