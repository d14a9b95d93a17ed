"""From `git clone` to a dressed photo in the browser: one command, nothing read, nothing there before."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import httpx

from bench.report import Report, Row, Target
from model.samples.samples import small_sample
from tests.browser import browsing
from tests.server import ROOT, free_port

MOST_S = 240.0
_START_S = 1800


def main() -> None:
    report = Report(
        name="newcomer",
        title="A newcomer",
        how="`git clone` of this checkout, `make studio` in it (a new virtual environment, with packages from where "
        "pip takes them on this machine), the page in Chromium, a photo and a garment from files, and the result in "
        "the page. One run, by the clock.",
    )
    marks = [("", time.monotonic())]
    with tempfile.TemporaryDirectory() as folder:
        clone, port = Path(folder, "atelier"), free_port()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)  # noqa: S607
        marks.append(("git clone", time.monotonic()))
        variables = os.environ | {"PORT": str(port), "SPOOL_DIR": str(Path(folder, "spool"))}
        with Path(folder, "log").open("wb") as log:
            studio = subprocess.Popen(
                ["make", "studio"],  # noqa: S607
                cwd=clone,
                env=variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until_ready(studio, f"http://127.0.0.1:{port}/ping", Path(folder, "log"))
            marks.append(("make studio, until it is ready", time.monotonic()))
            dress(f"http://127.0.0.1:{port}/")
            marks.append(("open the page, choose, dress", time.monotonic()))
        finally:
            os.killpg(studio.pid, signal.SIGTERM)
            studio.wait(60)
    report.rows = [step(name, at - before) for (_, before), (name, at) in pairwise(marks)]
    report.targets = [Target("from git clone to a dressed photo", marks[-1][1] - marks[0][1], MOST_S, "s")]
    report.publish()


def step(name: str, seconds: float) -> Row:
    return {"step": name, "s": seconds}


def wait_until_ready(studio: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if studio.poll() is not None:
            raise RuntimeError(log.read_text()[-2000:])
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(log.read_text()[-2000:])


def dress(url: str) -> None:
    """What somebody does who sees the page for the first time."""
    sample = small_sample()
    with browsing(viewport={"width": 1280, "height": 860}) as page:
        page.goto(url)
        page.locator("#field-person").set_input_files(sample["person"])
        page.locator("#field-garment").set_input_files(sample["garment"])
        page.locator("#go").click()
        page.locator("#result .compare img").first.wait_for()


if __name__ == "__main__":
    main()
