"""The command-line client against real server processes on the demo pack."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from client import demo_outfit
from client.command_line import main
from container.local_server import local_server
from model.contact_sheet import LABEL_HEIGHT, TITLE_HEIGHT, Layout
from model.samples.samples import small_sample
from model.train.parsing.people import MAPS, make_people
from tests.server import ROOT, serving

FAST = ["--width", "64", "--height", "96", "--steps", "2"]


@pytest.fixture(scope="module", autouse=True)
def patient() -> Iterator[None]:
    """Servers that the commands start give a busy machine its time."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DEADLINE_S", "600")
        environment.setenv("STREAM_DEADLINE_S", "600")
        yield


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with local_server("demo", lambda _: None) as address:
        yield address


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    """Files of one sample, as the flags want them."""
    return {name: str(file) for name, file in small_sample().items()}


def tryon(pictures: dict[str, str], *more: str) -> list[str]:
    return ["tryon", *(word for name, file in pictures.items() for word in (f"--{name}", file)), *FAST, *more]


def test_a_tryon_saves_its_result_and_a_picture_of_all_side_by_side(
    url: str, pictures: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tryon(pictures, "--url", url, "--seed", "7", "--out", str(tmp_path / "out"))) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [str(tmp_path / "out" / name) for name in ("result.png", "side_by_side.png")]
    assert "seed 7" in printed.err
    with Image.open(tmp_path / "out" / "result.png") as result, Image.open(pictures["person"]) as person:
        assert result.size == person.size
    with Image.open(tmp_path / "out" / "side_by_side.png") as sheet:
        assert sheet.size == Layout(4, 1, (360, 480), 10).size


def test_a_phones_picture_is_shown_beside_the_result(url: str, pictures: dict[str, str], tmp_path: Path) -> None:
    phone = pictures | {"garment": str(ROOT / "tests/data/gradient.heic")}
    assert main(tryon(phone, "--url", url, "--out", str(tmp_path / "out"))) == 0
    assert (tmp_path / "out" / "side_by_side.png").is_file()


def test_every_option_reaches_the_service(url: str, pictures: dict[str, str], tmp_path: Path) -> None:
    options = ["--no-repaint", "--format", "webp", "--samples", "2", "--guidance", "1", "--eta", "0", "--seed", "0"]
    ways = ["--id", "every-option", "--deadline-s", "100", "--quality", "fast", "--solver", "dpmpp"]
    assert main(tryon(pictures, "--url", url, *options, *ways, "--out", str(tmp_path))) == 0
    results = sorted(tmp_path.glob("result*.webp"))
    assert len(results) == 2
    with Image.open(results[0]) as result:
        assert result.size == (64, 96)


def test_an_upper_and_a_lower_garment_go_together(url: str, pictures: dict[str, str], tmp_path: Path) -> None:
    garment = pictures["garment"]
    both = {"person": pictures["person"], "upper": garment, "lower": garment, "mask": pictures["mask"]}
    assert main(tryon(both, "--url", url, "--out", str(tmp_path))) == 0
    with Image.open(tmp_path / "side_by_side.png") as sheet:
        assert sheet.size == Layout(5, 1, (360, 480), 10).size


def test_a_bad_mask_ends_with_status_1_and_one_readable_line(
    url: str, pictures: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = tmp_path / "narrow.png"
    mask = Image.new("L", (50, 400))
    mask.paste(255, (10, 100, 40, 300))
    mask.save(narrow)
    assert main(tryon(pictures | {"mask": str(narrow)}, "--url", url, "--out", str(tmp_path))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("atelier: 422 bad_mask (mask): ")


def test_without_a_mask_the_service_is_asked_for_one_of_that_category(
    url: str, pictures: dict[str, str], tmp_path: Path
) -> None:
    people = make_people(2, seed=2026, width=192, height=256)
    photo, lip = people.photos[1], people.labels[1, list(MAPS).index("lip")]
    Image.fromarray(photo).save(tmp_path / "person.png")
    maskless = {"person": str(tmp_path / "person.png"), "garment": pictures["garment"]}
    options = ["--category", "lower", "--variant", "mask", "--url", url, "--out", str(tmp_path)]
    assert main(tryon(maskless, *options)) == 0
    with Image.open(tmp_path / "result.png") as result:
        changed = np.abs(np.asarray(result.convert("RGB")).astype(int) - photo).max(2) > 8
    trousers_or_skirt, top = np.isin(lip, (9, 12)), lip == 5
    assert changed[trousers_or_skirt].mean() > 0.8
    assert changed[top].mean() < 0.4


def test_the_token_of_the_environment_opens_a_service_that_wants_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path, API_TOKEN="open-sesame") as server:
        assert main(["models", "--url", server.url]) == 1
        assert "401 unauthorized" in capsys.readouterr().err
        monkeypatch.setenv("API_TOKEN", "open-sesame")
        assert main(["models", "--url", server.url]) == 0


def test_a_field_out_of_range_is_told_in_one_line(
    url: str, pictures: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tryon(pictures, "--url", url, "--eta", "3", "--out", str(tmp_path))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("atelier: 422 ")
    assert "(eta)" in line


def test_an_unreachable_address_ends_with_status_3(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert main(["ping", "--url", f"http://127.0.0.1:{port}"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"atelier: no answer from http://127.0.0.1:{port}: ")


def test_a_server_that_cannot_start_ends_with_status_3_and_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ping", "--model-dir", str(tmp_path)]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("atelier: the server ended with status 3: ")
    assert str(tmp_path) in lines[-1]


@pytest.mark.parametrize(
    "garments",
    [
        [],
        ["--upper", "{garment}"],
        ["--garment", "{garment}", "--lower", "{garment}"],
        ["--garment", "absent.png"],
    ],
)
def test_wrong_usage_ends_with_status_2(garments: list[str], pictures: dict[str, str], tmp_path: Path) -> None:
    words = [word.format(**pictures) for word in garments]
    given = ["tryon", "--person", pictures["person"], "--mask", pictures["mask"], "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as end:
        main([*given, *words])
    assert end.value.code == 2


def test_ping_and_models(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ping", "--url", url]) == 0
    assert capsys.readouterr().out == "ready\n"
    assert main(["models", "--url", url]) == 0
    assert "catvton" in json.loads(capsys.readouterr().out)["models"]


def test_the_engine_that_is_named_is_the_one_that_is_asked(
    url: str, pictures: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tryon(pictures, "--url", url, "--engine", "hat", "--out", str(tmp_path))) == 1
    assert "'engine' is 'hat'; served here: warp, catvton" in capsys.readouterr().err


def test_another_service_at_the_address_is_told_in_one_line(
    url: str, pictures: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tryon(pictures, "--url", f"{url}/elsewhere", "--out", str(tmp_path))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("atelier: 404 ")


def test_the_demo_makes_a_contact_sheet(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--url", url, *FAST, "--limit", "2", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [str(tmp_path / "contact_sheet.png")]
    assert "4 try-ons in " in printed.err  # by two engines
    with Image.open(tmp_path / "contact_sheet.png") as sheet:
        assert sheet.size == Layout(2, 5, (180, 240), 6, TITLE_HEIGHT, LABEL_HEIGHT).size


def test_the_demo_fits_an_outfit_and_others_wear_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_outfit, "_ITERATIONS", {"coarse_iterations": 1, "fine_iterations": 1})
    monkeypatch.setattr(demo_outfit, "_OTHERS", (5,))
    monkeypatch.setattr(demo_outfit, "_WALK", demo_outfit._WALK | {"size": 64})
    with httpx.Client(base_url=url, timeout=600) as http:
        assert demo_outfit.offers_outfits(http)
        demo_outfit.outfit_demo(http, tmp_path)
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "outfit_sheet.png")
    with Image.open(tmp_path / "outfit_sheet.png") as sheet:
        assert sheet.size == Layout(6, 1, (240, 320), 10).size
    assert (tmp_path / "walk/walk.webm").stat().st_size > 500


def test_the_demo_dresses_the_person_in_ones_own_photo(
    url: str, pictures: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(make_people(1, seed=2026, width=192, height=256).photos[0]).save(tmp_path / "me.png")
    words = ["--photo", str(tmp_path / "me.png"), "--limit", "1", "--out", str(tmp_path)]
    assert main(["demo", "--url", url, *words]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "photo_sheet.png")]
    with Image.open(tmp_path / "photo_sheet.png") as sheet:
        assert sheet.size == Layout(2, 2, (180, 240), 7).size
    with Image.open(tmp_path / "photo_stripes.png") as result:
        assert result.size == (192, 256)


def test_without_an_address_a_server_is_started_and_stopped(tmp_path: Path) -> None:
    words = ["demo", *FAST, "--limit", "1", "--out", str(tmp_path)]
    command = [sys.executable, str(ROOT / "local_invoke.py"), *words]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [str(tmp_path / "contact_sheet.png")]
    assert ended.stderr.startswith("starting a server (MODEL_DIR=demo) ...\nready after ")


def test_results_stored_in_a_folder_are_fetched_from_there(
    pictures: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OUTPUT_PREFIX", f"file://{tmp_path}/stored/")
    words = ["--id", "one", "--out", str(tmp_path / "out"), "--output-prefix", f"file://{tmp_path}/stored/mine/"]
    with local_server("demo", lambda _: None) as address:
        assert main(tryon(pictures, *words, "--url", address)) == 0
    stored = tmp_path / "stored" / "mine" / "one" / "result.png"
    assert capsys.readouterr().out.splitlines()[0] == f"file://{stored}"
    assert (tmp_path / "out" / "result.png").read_bytes() == stored.read_bytes()
    with pytest.raises(httpx.ConnectError):  # the server is gone with its `with`
        httpx.get(f"{address}/ping", timeout=600)
