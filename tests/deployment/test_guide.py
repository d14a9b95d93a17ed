"""The commands of sagemaker/README.md are commands of the scripts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from string import Template

import batch
import deploy
import invoke
import pytest
import weights
from ask import requesting

from tests.server import ROOT

GUIDE = (ROOT / "sagemaker" / "README.md").read_text()
SCRIPTS = {"deploy.py": deploy, "invoke.py": invoke, "batch.py": batch}


def variables() -> dict[str, str]:
    """What the guide exports."""
    known: dict[str, str] = {}
    for name, value in re.findall(r"(\w+)=(\S+)", "\n".join(re.findall(r"^export (.+)$", GUIDE, re.M))):
        known[name] = Template(value).substitute(known)
    return known


def commands() -> list[list[str]]:
    """Script and arguments of every call of one of the scripts, in shell blocks."""
    shell = "\n".join(re.findall(r"```sh\n(.+?)```", GUIDE, re.S))
    calls = re.findall(r"python sagemaker/([^&\n>]+)", shell)
    return [shlex.split(Template(call).substitute(variables())) for call in calls]


@pytest.mark.usefixtures("no_credentials")
@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_a_command_of_the_guide_does_what_it_says_as_a_dry_run(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("me.jpg", "shirt.jpg"):
        (tmp_path / name).write_bytes(b"jpeg")
    (tmp_path / "manifest.jsonl").write_text(re.findall(r"```json\n(.+?)```", GUIDE, re.S)[0])
    script, *arguments = command
    if script == "weights.py":
        assert weights._parser().parse_args(arguments)
        return
    dry = [] if arguments[0] == "policy" else ["--dry-run"]
    assert SCRIPTS[script].main([*arguments, *dry]) == 0
    assert capsys.readouterr().out


def test_the_guide_shows_every_script() -> None:
    assert {command[0] for command in commands()} == {*SCRIPTS, "weights.py"}
    assert {arguments[0] for script, *arguments in commands() if script == "deploy.py"} == {
        *("policy", "async", "scale", "delete")
    }


def test_every_option_the_guide_speaks_of_exists() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "sagemaker").rglob("*.py"))
    known = set(re.findall(r'"(--[a-z-]+)"', sources)) | {f"--{name}" for name in requesting.PICTURES} | {"--help"}
    foreign = set(re.findall(r"(--[a-z-]+)", " ".join(re.findall(r"(?:`|^| )(?:aws|docker) [^`&|]+", GUIDE, re.M))))
    assert set(re.findall(r"--[a-z][a-z-]+", GUIDE)) <= known | foreign


def test_every_file_the_guide_speaks_of_exists() -> None:
    for name in re.findall(r"`([a-z_/]+\.(?:py|json))`", GUIDE):
        assert (ROOT / "sagemaker" / name).is_file(), name
