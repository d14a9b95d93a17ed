"""Carrying a plan out: files from the hub and from the user's folders, verified, in place, and in the manifest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from packs import published
from packs.hand_ids import convert_hand_ids
from packs.hub import Hub, digests
from packs.pack_manifest import Facts, PackManifest
from packs.planning import FetchPlan, Local, Remote
from packs.weight_errors import ChecksumError, LayoutError

_PROJECT_COMMAND = Path(__file__).parents[2] / "model" / "__main__.py"


def fetch(plan: FetchPlan, folder: Path, hub: Hub) -> None:
    """Fill `folder`. What is there and as published stays; downloads arrive beside it and are moved, never copied.

    Raises:
        GatedError, NotPublishedError, ChecksumError: a file is not to be had as it was published.
        PickleRefusedError: the hand ids are not what they should be.
        LayoutError: a file is there that might be read instead of a planned one.
    """
    _refuse_rivals(plan, folder)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = PackManifest(folder)
    partial = folder.with_name(f"{folder.name}.partial")
    placed: dict[tuple[str, str], Path] = {}  # a file of the hub -> where it lies now
    for remote in plan.remotes:
        if remote.wanted.converted:
            _bring_converted(remote, folder, partial, hub, manifest)
        else:
            manifest.state(remote.target, _bring(remote, folder, partial, hub, placed))
    for local in plan.locals:
        taken = _take(local, folder)
        manifest.state(taken.relative_to(folder).as_posix(), Facts(digests(taken).sha256, local.licence, local.source))
    for engine, defaults in plan.defaults.items():
        manifest.suggest(engine, defaults)
    manifest.write()
    shutil.rmtree(partial, ignore_errors=True)


def missing(folder: Path, engines: Iterable[str]) -> list[str]:
    """What `engines` read, nobody can fetch, and is not there, each with what to do about it."""
    body = f"download it from {published.BODY_SITE} and name its folder with --smplx; without it there are no avatars"
    matting = "fetch it without --licences, or name its folder with --perception; without it photos must come cut out"
    label_map = (
        "fetch it without --licences, or name its folder with --perception; without all three masks are not exact"
    )
    advice = {
        "up2you": {published.BODY: body},
        "perception": {published.MATTING: matting, **dict.fromkeys(published.LABEL_MAPS, label_map)},
    }
    asked = [item for engine in engines for item in advice.get(engine, {}).items()]
    return [f"{name}: {what}" for name, what in asked if not _served(folder / name)]


def _served(file: Path) -> bool:
    return file.is_file() or file.with_suffix(".safetensors").is_file()


def _refuse_rivals(plan: FetchPlan, folder: Path) -> None:
    for remote in plan.remotes:
        for rival in remote.wanted.rivals:
            if rival != remote.target and (folder / rival).is_file():
                why = f"has {rival}; of it and {remote.target} only one would be read: delete it"
                raise LayoutError(str(folder), why)


def _bring(remote: Remote, folder: Path, partial: Path, hub: Hub, placed: dict[tuple[str, str], Path]) -> Facts:
    commit, file, target = remote.commit, remote.file, folder / remote.target
    here = placed.setdefault((commit.repository, file.path), target)
    if not _is(remote, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if here == target:
            shutil.move(hub.fetch(commit, file, partial / commit.repository.replace("/", "--")), target)
        else:
            target.unlink(missing_ok=True)
            os.link(here, target)
        print(f"fetched {remote.target}", flush=True)
    return remote.facts(file.digest if file.large else digests(target).sha256)


def _bring_converted(remote: Remote, folder: Path, partial: Path, hub: Hub, manifest: PackManifest) -> None:
    """A file that is not served as it is published. Where the project is not there to convert it, it stays as it is.

    Raises:
        LayoutError: the project refuses it.
    """
    served, facts = folder / remote.served, remote.facts("")
    known = manifest.files.get(remote.served, {})
    if served.is_file() and known.get("source") == facts.source:
        return
    fetched = hub.fetch(remote.commit, remote.file, partial / remote.commit.repository.replace("/", "--"))
    if not _PROJECT_COMMAND.is_file():
        target = folder / remote.target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(fetched, target)
        manifest.state(remote.target, remote.facts(digests(target).sha256))
        print(
            f"fetched {remote.target}; where the project is installed, run: python -m model convert {target} {served}"
        )
        return
    served.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "model", "convert", str(fetched.resolve()), str(served.resolve())]
    done = subprocess.run(command, cwd=_PROJECT_COMMAND.parents[1], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise LayoutError(str(folder), f"{remote.target} cannot be made {remote.served}: {done.stderr.strip()}")
    manifest.state(remote.served, remote.facts(digests(served).sha256))
    print(f"fetched {remote.served}", flush=True)


def _is(remote: Remote, target: Path) -> bool:
    """Whether the file is there already."""
    if not target.is_file() or target.stat().st_size != remote.file.size:
        return False
    try:
        remote.file.verify(remote.target, digests(target))
    except ChecksumError:
        return False
    return True


def _take(local: Local, folder: Path) -> Path:
    target = folder / local.target
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".pkl":  # nothing that is served opens a pickle
        target = target.with_suffix(".npz")
        convert_hand_ids(local.file, target)
    elif not (target.is_file() and target.samefile(local.file)):
        shutil.copyfile(local.file, target)
    print(f"took {target.relative_to(folder)}")
    return target
