"""What the README promises is there: settings, codes, commands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from container.settings import Settings
from model.synthetic.samples import SAMPLES, draw_sample_files
from tests.server import ROOT, Server

README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    return re.split(r"^#+ ", README.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_settings_table_names_every_setting_and_no_other() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", "\n".join(re.findall(r"^\|([^|]+)\|", section("Settings"), re.M))))
    settings = {name.upper() for name in Settings.model_fields} - {"PORT"} | {"SAGEMAKER_BIND_TO_PORT"}
    assert named == settings


def test_the_table_of_codes_names_every_code_and_no_other() -> None:
    cells = re.findall(r"^\| \d{3}[^|]*\|([^|]+)\|", section("Errors"), re.M)
    named = {code for cell in cells for code in re.findall(r"`(\w+)`", cell)}
    used: set[str] = set()
    for package in ("serve", "container", "model"):
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text()
            used |= set(re.findall(r'\bcode="(\w+)"', source)) | set(re.findall(r'"code": "(\w+)"', source))
            used |= set(re.findall(r'^    status, title, code.* = \d{3}, "[^"]+", "(\w+)"', source, re.M))
            used |= set(re.findall(r'^    code = "(\w+)"', source, re.M))
    never_sent = {"unusable_input", "device_lost", "bad_weights"}  # replaced by each use, or the end of a worker
    assert named == used - never_sent


def test_the_tour_with_curl_runs_as_it_stands(server: Server, tmp_path: Path) -> None:
    tour, form = re.findall(r"```bash\n(.+?)```", README, re.S)
    (tmp_path / "demo_out").mkdir()
    draw_sample_files(SAMPLES[:1], tmp_path / "demo_out")
    script = (tour + form).replace("localhost:8080", f"127.0.0.1:{server.port}").replace("curl ", "curl -fsS ")
    done = subprocess.run(["bash", "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.jpg").read_bytes().startswith(b"\xff\xd8")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert '"event": "answer"' in done.stdout


def test_the_two_commands_come_first() -> None:
    assert README.index("make demo") < README.index("make test") < README.index("## ")
