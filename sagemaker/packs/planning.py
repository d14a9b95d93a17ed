"""What is to be fetched from where, and where it goes in MODEL_DIR."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packs import published
from packs.hub import Commit, Hub, RemoteFile
from packs.pack_manifest import Facts
from packs.published import PublishedSource, Wanted
from packs.weight_errors import LayoutError


@dataclass(frozen=True)
class Remote:
    """A file of the hub and where it goes under the folder."""

    commit: Commit
    file: RemoteFile
    licence: str
    wanted: Wanted

    @property
    def target(self) -> str:
        """Its path under the folder, as it is published."""
        return self.wanted.target(self.file.path)

    @property
    def served(self) -> str:
        """Its path under the folder once it can be served."""
        converted = self.wanted.converted
        return f"{self.wanted.folder}/{converted}" if converted else self.target

    def facts(self, sha256: str) -> Facts:
        """What the manifest says of it."""
        source = f"https://huggingface.co/{self.commit.repository}/blob/{self.commit.revision}/{self.file.path}"
        return Facts(sha256, self.licence, source, self.commit.revision)


@dataclass(frozen=True)
class Local:
    """A file of the user's and where it goes."""

    file: Path
    target: str
    licence: str | None = None
    source: str | None = None


class FetchPlan:
    """What will be fetched and taken.

    Args:
        defaults: what the manifest will suggest for requests, by engine.
    """

    def __init__(self, defaults: Mapping[str, Mapping[str, int]]) -> None:
        self.defaults = defaults
        self.remotes: list[Remote] = []
        self.locals: list[Local] = []

    def without_commercial_use(self, sources: Iterable[PublishedSource]) -> list[PublishedSource]:
        """Take out what forbids commercial use, and say what that was; the rest."""
        kept = []
        for source in sources:
            if published.LICENCES[source.licence].commercial:
                kept.append(source)
            else:
                names = ", ".join(wanted.target(wanted.names[0]) for wanted in source.files)
                print(f"left out, {source.licence} forbids commercial use: {names}")
        return kept

    def add_published(self, sources: Iterable[PublishedSource], hub: Hub, revisions: Mapping[str, str]) -> None:
        """Look up `sources` at their `revisions`, else at their newest.

        Raises:
            GatedError, NotPublishedError: something is not to be had.
        """
        commits: dict[str, Commit] = {}
        for source in sources:
            name = source.repository
            if name not in commits:
                commits[name] = hub.at(name, revisions.get(name, "main"))
            found = [(commits[name].find(wanted), wanted) for wanted in source.files]
            self.remotes += [Remote(commits[name], file, source.licence, wanted) for file, wanted in found]

    def add_body(self, folder: Path) -> None:
        """Take the body model, and what there is of index files, from anywhere under `folder`.

        Raises:
            LayoutError: there is no body model.
        """
        lying = {path.name: path for path in sorted(folder.rglob("*")) if path.is_file()}
        if Path(published.BODY).name not in lying:
            raise LayoutError(str(folder), f"there is no {Path(published.BODY).name} in it")
        for target in (published.BODY, published.HAND_IDS, published.LANDMARK_IDS):
            name = Path(target).name
            if name in lying:
                self.locals.append(Local(lying[name], target, "SMPL-X", f"{published.BODY_SITE}: {name}"))

    def add_perception(self, folder: Path, licence: str | None) -> None:
        """Take the ONNX models, which are under `licence`, from `folder`.

        Raises:
            LayoutError: there is none.
        """
        wanted = {Path(name).name: name for name in (*published.LABEL_MAPS, *published.OTHER_PERCEPTION)}
        there = [name for name in wanted if (folder / name).is_file()]
        if not there:
            raise LayoutError(str(folder), f"there is none of {', '.join(wanted)} in it")
        self.locals += [Local(folder / name, wanted[name], licence) for name in there]
        own = {Path(name).stem for name in there}
        self.remotes = [remote for remote in self.remotes if not _replaced(remote.served, own)]

    def leave_out(self, served: str) -> None:
        """Do without the hub's file at this path."""
        self.remotes = [remote for remote in self.remotes if remote.served != served]

    @property
    def licences(self) -> list[str]:
        """Those of `published.LICENCES` that it all is under."""
        found = {item.licence for item in self.remotes} | {item.licence for item in self.locals}
        return [name for name in published.LICENCES if name in found]

    def show(self) -> None:
        """Print it, with sizes."""
        for commit in {remote.commit.repository: remote.commit for remote in self.remotes}.values():
            print(f"{commit.repository} at {commit.revision} (its card says: {commit.licence or 'no licence'})")
            for remote in self.remotes:
                if remote.commit.repository == commit.repository:
                    print(f"{_megabytes(remote.file.size)}  {remote.target}")
        for local in self.locals:
            print(f"{local.file}\n{_megabytes(local.file.stat().st_size)}  {local.target}")
        sizes = {(remote.commit.repository, remote.file.path): remote.file.size for remote in self.remotes}
        print(f"{_megabytes(sum(sizes.values()))}  from the hub, less what is there already")


def _replaced(served: str, own: Collection[str]) -> bool:
    return served.startswith("perception/") and Path(served).stem in own


def _megabytes(size: int) -> str:
    return f"{size / 1e6:12,.3f} MB"
