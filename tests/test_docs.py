"""What README and the pages under docs promise is there: settings, fields, codes, commands, programs, links."""

from __future__ import annotations

import argparse
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from container.settings import Settings
from model.__main__ import _by_engine, _parser
from model.engines.registry import ENGINES, request_class
from model.perception.profile import Profile
from model.samples.samples import small_sample
from model.synthetic.datasets.loose_photos import loose_photos
from serve.codes import table
from tests.conftest import KEYS
from tests.server import ROOT, Server

PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
README = PAGES["README.md"]


def section(page: str, title: str) -> str:
    return re.split(r"^#+ ", PAGES[page].split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> str:
    return "\n".join(re.findall(r"^\|([^|]+)\|", text, re.M))


def blocks(page: str, language: str) -> str:
    return "".join(re.findall(rf"```{language}\n(.+?)```", PAGES[page], re.S))


def pages_with(language: str) -> list[str]:
    return sorted(page for page in PAGES if blocks(page, language))


def test_the_two_commands_come_first() -> None:
    assert README.index("make demo") < README.index("make test") < README.index("## ")


def test_the_readme_fits_a_screen() -> None:
    assert len(README.encode()) <= 10_000
    assert len(re.findall(r"!\[", README)) <= 4


def test_every_page_is_linked_from_the_readme() -> None:
    assert {page for page in PAGES if page != "README.md"} == set(re.findall(r"\((docs/[^)#]+\.md)\)", README))


def anchors(text: str) -> set[str]:
    """Of its headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.+?```", "", text, flags=re.S), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, "ARCHITECTURE.md", "CHANGELOG.md", "sagemaker/README.md", "bench/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), f"{page} links {target}"
        assert not anchor or anchor in anchors(path.read_text()), f"{page} links {target}"


def test_the_settings_table_names_every_setting_and_no_other() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", first_cells(section("docs/settings.md", "Settings"))))
    settings = {name.upper() for name in Settings.model_fields} | {"SAGEMAKER_BIND_TO_PORT"}
    assert named == settings


def test_the_table_of_an_outfits_fields_names_every_field_and_no_other() -> None:
    table_of_fields = PAGES["docs/outfits.md"].split("| field | meaning |", 1)[1]
    assert set(re.findall(r"`(\w+)`", first_cells(table_of_fields))) == set(request_class("pointcloth").model_fields)


@pytest.mark.parametrize(("engine", "title"), [("catvton", "A try-on"), ("up2you", "An avatar")])
def test_the_table_of_fields_names_every_field_and_no_other(engine: str, title: str) -> None:
    named = set(re.findall(r"`(\w+)`", first_cells(section("docs/requests.md", title))))
    omoibs = {"user_id", "timestamp"}
    assert named == set(request_class(engine).model_fields) - omoibs


def test_the_warping_engines_table_says_what_differs() -> None:
    page = "docs/requests.md"
    shared, own = (
        set(re.findall(r"`(\w+)`", first_cells(section(page, title)))) for title in ("A try-on", "The warping engine")
    )
    fields, others = (set(request_class(engine).model_fields) for engine in ("warp", "catvton"))
    assert own <= fields
    assert fields - others <= own
    assert others - fields == {"quality", "solver", "steps", "guidance", "eta", "init", "init_strength"}
    assert fields - own - {"user_id", "timestamp"} <= shared


def test_ootdiffusions_table_says_what_differs() -> None:
    page = "docs/requests.md"
    shared, own = (
        set(re.findall(r"`(\w+)`", first_cells(section(page, title)))) for title in ("A try-on", "OOTDiffusion")
    )
    fields, others = (set(request_class(engine).model_fields) for engine in ("ootdiffusion", "catvton"))
    assert own <= fields
    assert fields - others <= own
    assert others - fields == {"quality", "solver", "eta"}
    assert fields - own - {"user_id", "timestamp"} <= shared


def test_every_engine_has_its_lines_in_the_table_of_licences() -> None:
    named = set(re.findall(r"`(\w+)`", first_cells(section("docs/licences-and-privacy.md", "Licences"))))
    assert named == set(ENGINES)


def test_the_table_of_profile_keys_names_every_key_and_its_example_is_one() -> None:
    page = section("docs/weights.md", "Perception files")
    assert set(re.findall(r"`(\w+)`", first_cells(page))) == set(Profile.model_fields)
    example = re.findall(r"```json\n(.+?)```", page, re.S)[0]
    assert Profile.model_validate_json(example).labels == "atr"


def test_the_table_of_codes_is_made_of_the_codes() -> None:
    """`python -m serve.codes` prints it."""
    assert table() in section("docs/answers-and-errors.md", "Errors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the demo has left its pictures."""
    (tmp_path / "demo_out").mkdir()
    for file in small_sample().values():
        shutil.copy(file, tmp_path / "demo_out")
    for i, photo in enumerate(loose_photos(seed=3, count=2, width=144, height=192)):
        photo.convert("RGB").save(tmp_path / f"demo_out/photo_{i}.png")
    return tmp_path


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=6000
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_shell(page: str, server: Server, folder: Path) -> str:
    script = blocks(page, "bash").replace("localhost:8080", f"127.0.0.1:{server.port}").replace("curl ", "curl -fsS ")
    return run(["bash", "-eu", "-c", script], folder)


def test_the_commands_with_curl_run_as_they_stand(server: Server, folder: Path) -> None:
    said = run_shell("docs/requests.md", server, folder)
    assert (folder / "out.jpg").read_bytes().startswith(b"\xff\xd8")
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "avatar.glb").read_bytes().startswith(b"glTF")
    assert said.count('"event": "answer"') == 1


def test_the_commands_for_a_job_run_as_they_stand(server: Server, folder: Path) -> None:
    said = run_shell("docs/jobs-and-batches.md", server, folder)
    assert said.count('"event": "answer"') == 1
    assert '"state":"done","progress":null,"answer":{' in said


def test_the_first_command_with_curl_runs_as_it_stands(server: Server, folder: Path) -> None:
    run_shell("README.md", server, folder)
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")


def test_no_other_page_has_programs() -> None:
    """Whoever adds some lets them run here."""
    assert pages_with("bash") == ["README.md", "docs/jobs-and-batches.md", "docs/requests.md"]
    # That of webhooks runs in their tests.
    assert pages_with("python") == ["README.md", "docs/jobs-and-batches.md", "docs/sagemaker.md"]
    assert pages_with("javascript") == ["README.md"]


def python_of_the_readme(server: Server) -> list[str]:
    program = blocks("README.md", "python").replace("localhost:8080", f"127.0.0.1:{server.port}")
    return [sys.executable, "-c", program.replace("timeout=60", "timeout=600")]  # a busy machine takes its time


def test_the_program_with_httpx_runs_as_it_stands(server: Server, folder: Path) -> None:
    run(python_of_the_readme(server), folder)
    assert (folder / "dressed.jpg").read_bytes().startswith(b"\xff\xd8")


def test_the_program_with_httpx_shows_what_the_container_said(server: Server, folder: Path) -> None:
    (folder / "demo_out/mira.png").write_bytes(b"GIF89a")
    with pytest.raises(AssertionError, match="PNG"):
        run(python_of_the_readme(server), folder)


class Platform(http.server.BaseHTTPRequestHandler):
    """As much of SageMaker's runtime as passes a request on."""

    container: str

    def do_POST(self) -> None:
        assert self.path == "/endpoints/atelier/invocations"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept")}
        answer = httpx.post(f"{self.container}/invocations", content=body, headers=headers, timeout=600)
        ok = answer.status_code == httpx.codes.OK
        problem = {"OriginalStatusCode": answer.status_code, "OriginalMessage": answer.text} if not ok else {}
        content = answer.content if ok else json.dumps(problem).encode()
        self.send_response(200 if ok else 424)
        if not ok:
            self.send_header("X-Amzn-ErrorType", "ModelError")
        self.send_header("Content-Type", answer.headers["content-type"] if ok else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Not on stderr."""


@pytest.fixture
def sagemaker(server: Server) -> Iterator[dict[str, str]]:
    """The environment in which boto3 finds `server` behind a platform."""
    handler = type("Handler", (Platform,), {"container": server.url})
    platform = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=platform.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{platform.server_port}"
    yield {**KEYS, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": address}
    platform.shutdown()
    platform.server_close()


def test_the_program_with_boto3_runs_as_it_stands(sagemaker: dict[str, str], folder: Path) -> None:
    run([sys.executable, "-c", blocks("docs/sagemaker.md", "python")], folder, **sagemaker)
    assert (folder / "dressed.jpg").read_bytes().startswith(b"\xff\xd8")


def test_the_program_with_boto3_shows_what_the_container_said(sagemaker: dict[str, str], folder: Path) -> None:
    with pytest.raises(AssertionError, match="'steps'"):
        run(
            [sys.executable, "-c", blocks("docs/sagemaker.md", "python").replace('"id": "order-17"', '"steps": 0')],
            folder,
            **sagemaker,
        )


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_the_program_in_javascript_runs_as_it_stands(server: Server, folder: Path) -> None:
    (folder / "dress.mjs").write_text(
        blocks("README.md", "javascript").replace("localhost:8080", f"127.0.0.1:{server.port}")
    )
    run(["node", "dress.mjs"], folder)
    assert (folder / "dressed.png").read_bytes().startswith(b"\x89PNG")


def options_of(command: str) -> set[str]:
    """What `python -m model COMMAND` takes."""
    [commands] = [action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)]
    found = commands.choices[command]
    for action in found._actions:
        if isinstance(action, argparse._SubParsersAction):  # a command of several: `outfit import`
            return {option for inner in action.choices.values() for option in inner._option_string_actions}
    return set(found._option_string_actions)


def test_every_command_without_a_server_has_the_options_that_are_shown() -> None:
    text = re.sub(r"\\\n\s*|\n(?=--)", " ", "\n".join(PAGES.values()))
    shown = re.findall(r"python -m model ([a-z-]+)([^`\n]*)", text)
    assert {command for command, _ in shown} >= {"tryon", "avatar", "check", "synthetic", "train", "evaluate"}
    for named, words in shown:
        command, *rest = _by_engine([named, *words.split()])
        assert set(re.findall(r"--[a-z-]+", " ".join(rest))) <= options_of(command), command


def test_every_target_of_make_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    shown = set(re.findall(r"(?:^|`)make ([a-z-]+)", "\n".join(PAGES.values()), re.M))
    assert {"demo", "test"} <= shown <= targets
