"""Files that are renamed into place: whole or absent, and on the disk before anything is said of them."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from container.worker import finish
from model.engine import Job
from serve.place import put_in_place
from serve.spool import JobDirectory
from serve.store import Folder


def test_who_has_a_mark_open_while_it_is_written_anew_reads_the_old_one_to_its_end(tmp_path: Path) -> None:
    put_in_place(tmp_path / "mark", b"old")
    with (tmp_path / "mark").open("rb") as opened:
        put_in_place(tmp_path / "mark", b"and new")
        assert opened.read() == b"old"
    assert (tmp_path / "mark").read_bytes() == b"and new"
    assert [path.name for path in tmp_path.iterdir()] == ["mark"]


def synced_by(write: Callable[[], Any]) -> list[str]:
    """The names of the files and folders that the disk was told to hold, in their order."""
    names = []

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and argument is os.fsync:
            fd = frame.f_locals["fd"] if "fd" in frame.f_locals else frame.f_locals["file"].fileno()
            names.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        write()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return names


def test_a_mark_is_on_the_disk_before_it_is_in_its_place_and_its_folder_after_it(tmp_path: Path) -> None:
    assert synced_by(lambda: put_in_place(tmp_path / "mark", b"1")) == [".mark.part", tmp_path.name]


def test_so_are_results_in_folders(tmp_path: Path) -> None:
    source, to = tmp_path / "source.png", tmp_path / "out"
    source.write_bytes(b"1")
    upload = synced_by(lambda: asyncio.run(Folder().upload((to / "a.png").as_uri(), source, "image/png")))
    beside = f"{socket.gethostname()}-{os.getpid()}.part"
    assert upload == [f".a.png.{beside}", "out"]
    create = synced_by(lambda: asyncio.run(Folder().create((to / "m.json").as_uri(), b"{}", "application/json")))
    assert create == [f".m.json.{beside}", "out"]
    first = synced_by(lambda: asyncio.run(Folder().upload((to / "b.png").as_uri(), source, "image/png", new=True)))
    assert first == [f".b.png.{beside}", "out"]
    assert asyncio.run(Folder().upload((to / "b.png").as_uri(), source, "image/png", new=True)) is False


def test_so_is_what_a_worker_has_computed(tmp_path: Path) -> None:
    directory = JobDirectory(tmp_path / "job")
    directory.outputs.mkdir(parents=True)
    (directory.outputs / "result.png").write_bytes(b"1")
    synced = synced_by(lambda: finish(directory, Job({}, directory.outputs), {}))
    assert synced == ["result.png", "outputs", ".result.json.part", "job"]
