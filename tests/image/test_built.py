"""What is in the image, and what it says of itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.image.containers import BASE, Containers, local_paths, pip_configuration
from tests.server import ROOT

MAX_BYTES = 2_000_000_000  # beside the base, of the CPU image

# Run in a container by a plain user: every file, the distributions, what cannot be read.
LOOK = """
import importlib.metadata, json, os
files = [os.path.join(folder, name) for top in ("/opt", "/build", "/root", "/tmp", "/var/tmp")
         for folder, _, names in os.walk(top) for name in names]
print(json.dumps({
    "files": files,
    "distributions": {found.name.lower(): found.version for found in importlib.metadata.distributions()},
    "large": [file for file in files if os.path.getsize(file) > 1_000_000],
    "unreadable": [file for file in files if file.startswith("/opt/") and not os.access(file, os.R_OK)],
}))
"""


@pytest.fixture(scope="module")
def inside(image: Containers) -> dict[str, Any]:
    done = image.run("look", "--user", "1001", "--entrypoint", "/opt/venv/bin/python", words=["-c", LOOK])
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def named(inside: dict[str, Any], *parts: str) -> list[str]:
    return [file for file in inside["files"] if any(part in Path(file).name for part in parts)]


def test_it_is_small(image: Containers, capsys: pytest.CaptureFixture[str]) -> None:
    whole, base = image.inspect()["Size"], image.inspect(BASE)["Size"]
    with capsys.disabled():
        sys.stdout.write(f"\nthe CPU image: {whole / 1e6:.0f} MB, {(whole - base) / 1e6:.0f} of them beside its base\n")
    assert whole - base < MAX_BYTES


def test_the_entry_point_is_a_program_and_takes_the_platforms_word(image: Containers) -> None:
    config = image.inspect()["Config"]
    assert config["Entrypoint"] == ["/opt/venv/bin/python", "-m", "container"]
    assert config["Cmd"] == ["serve"]
    assert config["Labels"]["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert config.get("User", "") == ""


def test_it_has_no_weights_but_the_demo(inside: dict[str, Any]) -> None:
    kinds = (".safetensors", ".onnx", ".pt", ".pth", ".bin", ".ckpt", ".npz", ".pkl")
    weights = [file for file in inside["large"] if file.endswith(kinds) and "/tests/data/" not in file]
    assert weights
    assert [file for file in weights if not file.startswith("/opt/atelier/model/demo_pack/data/")] == []


def test_it_has_neither_the_library_under_the_gpl_nor_the_tests(inside: dict[str, Any]) -> None:
    assert named(inside, "gpytoolbox_bindings.")
    assert named(inside, "copyleft") == []
    assert [file for file in inside["files"] if file.startswith("/opt/atelier/tests/")] == []


def test_the_cpu_image_has_nothing_of_cuda(inside: dict[str, Any]) -> None:
    cuda = ("torchvision", "triton", "xformers", "pytorch3d", "nvdiffrast", "nvidia")
    assert [name for name in inside["distributions"] if name.startswith(cuda)] == []
    assert named(inside, "libcudart", "libcudnn", "libtorch_cuda") == []


def test_it_has_what_training_needs_and_our_version(inside: dict[str, Any]) -> None:
    assert {"accelerate", "tensorboard", "torchmetrics"} <= set(inside["distributions"])
    assert inside["distributions"]["atelier"] == "0.1.0"


def test_every_file_can_be_read_by_a_plain_user_and_is_compiled(inside: dict[str, Any]) -> None:
    assert inside["unreadable"] == []
    ours = [file for file in inside["files"] if file.startswith("/opt/atelier/") and file.endswith(".py")]
    compiled = {Path(file).name.split(".")[0] for file in inside["files"] if file.endswith(".pyc")}
    assert len(ours) > len(list((ROOT / "serve").glob("*.py")))
    assert [file for file in ours if Path(file).stem not in compiled] == []


def test_nothing_is_left_of_the_machine_that_built_it(image: Containers, inside: dict[str, Any]) -> None:
    description = json.dumps(image.inspect())
    lent = [path for path in local_paths(pip_configuration()) if not path.startswith("/etc/ssl")]
    left = image.run("left", "--entrypoint", "/bin/ls", words=["-d", "/etc/pip.conf", "/build", "/root/.cache", *lent])
    assert left.stdout == ""
    assert "PIP_" not in description
    assert not any(path in description for path in lent)
    assert [file for file in inside["files"] if not file.startswith("/opt/")] == []
