"""What must never slip in the image's description. That it builds and runs is `make test-image`."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

from tests.server import ROOT

DOCKER = ROOT / "docker"
CACHES = {f"{name}_CACHE_DIR" for name in ("NUMBA", "TORCHINDUCTOR", "TRITON")}
CACHES |= {"HOME", "XDG_CACHE_HOME", "HF_HOME", "MPLCONFIGDIR"}


class Instruction(NamedTuple):
    """One instruction, its continued lines joined; `stage` counts the FROM lines so far."""

    stage: int
    name: str
    words: str


def instructions() -> list[Instruction]:
    text = re.sub(r"^\s*#.*\n", "", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: list[Instruction] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        name, _, words = line.strip().partition(" ")
        if name:
            stage = sum(earlier.name == "FROM" for earlier in found) + (name == "FROM")
            found.append(Instruction(stage, name, words.strip()))
    return found


INSTRUCTIONS = instructions()
FINAL = [found for found in INSTRUCTIONS if found.stage == INSTRUCTIONS[-1].stage]


def words_of(name: str, stage: list[Instruction] = FINAL) -> list[str]:
    return [found.words for found in stage if found.name == name]


def assignments(name: str) -> dict[str, str]:
    """What ENV or LABEL sets in the final stage."""
    return dict(pair.split("=", 1) for words in words_of(name) for pair in shlex.split(words))


def defaults(name: str) -> list[str]:
    """The default of a build argument, in each stage that has one."""
    return [found.words.split("=", 1)[1].strip('"') for found in INSTRUCTIONS if found.words.startswith(f"{name}=")]


def pins(lock: str) -> dict[str, str]:
    """Distribution -> version of a lock file."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (DOCKER / lock).read_text(), re.MULTILINE))


def required(file: Path) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def test_the_entry_point_is_a_program_that_takes_the_platforms_word() -> None:
    [entry_point], [command] = words_of("ENTRYPOINT"), words_of("CMD")
    assert json.loads(entry_point) == ["/opt/venv/bin/python", "-m", "container"]
    assert json.loads(command) == ["serve"]
    assert words_of("SHELL") + words_of("USER") == []


@pytest.mark.parametrize("init", ["tini", "dumb-init", "supervisord"])
def test_nothing_stands_before_it(init: str) -> None:
    assert [found.words for found in INSTRUCTIONS if init in found.words] == []


def test_it_says_that_it_takes_a_port() -> None:
    assert assignments("LABEL")["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    [check] = words_of("HEALTHCHECK")
    assert "SAGEMAKER_BIND_TO_PORT" in check
    assert "curl" not in check
    assert isinstance(json.loads(check[check.index("[") :]), list)


def test_it_listens_to_the_world_and_asks_nobody() -> None:
    environment = assignments("ENV")
    assert environment["HOST"] == "0.0.0.0"  # noqa: S104 - inside a container
    assert environment["HF_HUB_OFFLINE"] == environment["TRANSFORMERS_OFFLINE"] == "1"


def test_all_caches_are_in_tmp() -> None:
    environment = assignments("ENV")
    assert environment.keys() >= CACHES
    assert {name: environment[name] for name in CACHES if not re.match(r"/tmp(/|$)", environment[name])} == {}


def test_the_code_is_not_looked_for_where_it_could_be_replaced() -> None:
    assert assignments("ENV")["PYTHONSAFEPATH"] == "1"
    assert "WORKDIR" not in {found.name for found in FINAL}


def test_nothing_but_the_program_is_copied() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    let_in = {"client", "container", "model", "serve", "local_invoke.py", "pyproject.toml", "requirements*.txt",
              "README.md", "LICENSE", "docker/*.lock"}  # fmt: skip
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == let_in
    assert all(words.startswith("--from=") for words in words_of("COPY"))
    assert not any(found.name == "ADD" for found in INSTRUCTIONS)


def test_the_library_under_the_gpl_is_deleted() -> None:
    assert any(
        "rm -r " in words and "gpytoolbox_bindings_copyleft*.so" in words for words in words_of("RUN", INSTRUCTIONS)
    )


@pytest.mark.parametrize("lock", ["requirements.lock", "rasterisers.lock", "tools.lock"])
def test_every_locked_distribution_has_hashes(lock: str) -> None:
    blocks = re.split(r"^(?=[a-z])", (DOCKER / lock).read_text(), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pins(lock)) > 0
    assert [block for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)] == []


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-train.txt"])
def test_what_is_locked_is_what_is_required(file: str) -> None:
    locked = pins("requirements.lock") | {"torch": default_torch()}
    missed = {str(wanted): locked.get(wanted.name) for wanted in required(ROOT / file)
              if wanted.name not in locked or not wanted.specifier.contains(locked[wanted.name])}  # fmt: skip
    assert missed == {}


def default_torch() -> str:
    """The one version of torch of both variants."""
    [version] = {re.fullmatch(r"torch==(\S+) --index-url \S+", words)[1] for words in defaults("TORCH")}  # type: ignore[index]
    return version


def test_torch_comes_from_the_index_of_the_variant() -> None:
    assert [words.rpartition("/")[2] for words in defaults("TORCH")] == ["cpu", "cu118"]


def test_whatever_is_installed_is_pinned() -> None:
    installs = [
        command
        for words in words_of("RUN", INSTRUCTIONS)
        for command in re.findall(r"pip install (.*?)(?=&&|\|\||$)", words)
    ]
    versions, commits = defaults("TORCH") + defaults("XFORMERS"), defaults("PYTORCH3D")
    assert all(re.match(r"\w+==[\d.]+\w* --index-url https://", words) for words in versions)
    assert all(re.fullmatch(r"git\+https://\S+@[0-9a-f]{40}", commit) for commit in commits)
    pinned = ("--require-hashes", "${TORCH}", "${XFORMERS}", '"$PYTORCH3D" ${NVDIFFRAST}', "/build/atelier")
    assert [words for words in installs if not any(pin in words for pin in pinned)] == []
    assert len(installs) == 8


def test_what_may_not_be_used_commercially_is_built_in_only_if_asked_for() -> None:
    assert defaults("NVDIFFRAST") == [""]


def test_the_kernels_are_built_for_the_cards_sagemaker_rents() -> None:
    assert defaults("TORCH_CUDA_ARCH_LIST") == ["7.5 8.0 8.6 8.9 9.0"]
    assert all("11.8.0-cudnn8" in base for base in defaults("BASE") + defaults("BUILD_BASE"))


def test_the_image_has_the_version_of_the_project() -> None:
    assert defaults("VERSION") == [tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]]
