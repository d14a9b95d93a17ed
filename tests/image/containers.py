"""The image built and run by buildah and podman as root, also inside a container and without a daemon."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.server import ROOT

TOOLS = ("buildah", "podman", "runc", "debootstrap")
BASE, IMAGE = "localhost/debian:bookworm", "localhost/atelier:test"

# Inside a container: no cgroups of systemd, no right to raise limits, no network or devices to be made.
_RUN = ("--cgroup-manager", "cgroupfs", "--runtime", "runc")
_LIMITS = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
_BUILD = ("--isolation", "chroot", "--network", "host", "--layers")


class Containers:
    """A store of images of its own, under `cache`, which keeps the layers of a build for the next one."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._temporary = cache / "tmp"
        self._temporary.mkdir(parents=True, exist_ok=True)
        self._store = ("--storage-driver", "overlay", "--root", f"{cache}/store", "--runroot", f"{cache}/run")

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(self._temporary)}

    def podman(self, *words: str) -> list[str]:
        """The command line of podman on this store."""
        return ["podman", *self._store, *_RUN, *words]

    def run_command(self, name: str, *flags: str, words: Sequence[str] = ()) -> list[str]:
        """The command line that runs the image; without `words`, as `docker run IMAGE` does."""
        return self.podman("run", "--rm", "--name", name, *_LIMITS, *flags, IMAGE, *words)

    def run(self, name: str, *flags: str, words: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run the image to its end."""
        return self.call(self.run_command(name, *flags, words=words))

    def execute(self, name: str, *flags: str, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in a running container."""
        return self.call(self.podman("exec", *flags, name, *words))

    def remove(self, name: str) -> None:
        """Remove a container whatever it does; one that is not there is no matter."""
        self.call(self.podman("rm", "--force", "--ignore", "--time", "0", name))

    def inspect(self, image: str = IMAGE) -> dict[str, Any]:
        inspected = self.call(self.podman("image", "inspect", image))
        description: dict[str, Any] = json.loads(inspected.stdout)[0]
        return description

    def make_base(self) -> None:
        """A Debian 12 with Python 3.11, unless the store has it."""
        if self.call(self.podman("image", "exists", BASE)).returncode == 0:
            return
        root, archive = self._temporary / "debian", self._temporary / "debian.tar"
        packages = "ca-certificates,python3,python3-venv"
        checked(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(root)], self.environment)
        for package in (root / "var/cache/apt/archives").glob("*.deb"):
            package.unlink()
        checked(["tar", "-C", str(root), "-cf", str(archive), "."], self.environment)
        checked(self.podman("import", str(archive), BASE), self.environment)
        archive.unlink()
        shutil.rmtree(root)

    def build(self, torch: str) -> None:
        """The CPU image, by `make image`. `torch`: what pip is to install for it."""
        secret = self._temporary / "pip.conf"
        configuration = pip_configuration()
        secret.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in configuration.items()))
        volumes = (f"--volume {path}:{path}:ro" for path in local_paths(configuration))
        flags = [*_BUILD, f"--secret id=pip,src={secret}", *volumes, f"--build-arg TORCH={shlex.quote(torch)}"]
        make = [
            *("make", "--no-print-directory", "image", "VARIANT=cpu", f"TAG={IMAGE}", f"BASE={BASE}"),
            f"BUILDER=buildah {' '.join(self._store)}",
            f"BUILD_FLAGS={' '.join([*flags, '--build-arg PYTHON=3.11'])}",
        ]
        try:
            checked(make, self.environment)
        finally:
            secret.unlink()

    def call(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=600)


def checked(command: Sequence[str], environment: dict[str, str]) -> None:
    """Run it; its output is shown only if it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)[:400]} ended with {done.returncode}:\n{done.stdout[-4000:]}")


def pip_configuration() -> dict[str, str]:
    """How pip reaches its indexes on this machine: a build has nothing of that by itself."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    pairs = (line.split("=", 1) for line in listed.stdout.splitlines())
    return {name.rpartition(".")[2]: value.strip("'\"").replace("\\n", " ") for name, value in pairs}


def local_paths(configuration: dict[str, str]) -> list[str]:
    """The files and folders of this machine that pip's configuration names, and what an index lies beside."""
    words = (word.removeprefix("file://") for value in configuration.values() for word in value.split())
    paths = {Path(word) for word in words if word.startswith("/")}
    return sorted(str(path.parent if path.name == "simple" else path) for path in paths if path.exists())
