"""WARM_SIZES: a worker is ready when its networks have run, and not before."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from container.settings import Settings
from tests.server import Server, eventually


def test_a_server_is_ready_when_its_sizes_are_warm_and_has_counted_no_work(tmp_path: Path) -> None:
    server = Server(tmp_path, ENGINES="tryon", WARM_SIZES="96x128, 64x64")
    try:
        answers = set[int]()

        def ready() -> bool:
            try:
                answers.add(server.client.get("/ping").status_code)
            except httpx.TransportError:
                return False
            return 200 in answers

        eventually(ready)
        assert answers == {503, 200}
        said = [json.loads(line) for line in server.log.read_text().splitlines()]
        warmed = [line for line in said if line["message"] == "warmed up"]
        assert {line["size"] for line in warmed} == {"96x128", "64x64"}
        assert {line["network"] for line in warmed} >= {"mask encoder", "mask denoiser", "mask decoder"}
        assert all(line["rows"] in (1, 2) and line["seconds"] >= 0 for line in warmed)
        assert said.index(warmed[-1]) < next(i for i, line in enumerate(said) if line["message"] == "a worker is ready")
        assert "atelier_forwards_total{" not in server.client.get("/metrics").text
    finally:
        server.close()


@pytest.mark.parametrize("sizes", ["768", "768x1023", "32x64", "768x4096", "axb", "768x1024x2"])
def test_a_size_that_no_request_can_have_is_refused(sizes: str) -> None:
    with pytest.raises(ValidationError, match=f"multiples of 8 in 64..2048, got '{sizes}'"):
        Settings(warm_sizes=f"384x512, {sizes}")


def test_sizes_are_width_by_height() -> None:
    assert Settings(warm_sizes="768x1024,384x512").sizes() == [(768, 1024), (384, 512)]
    assert Settings().sizes() == []


def test_what_is_compiled_is_kept_beside_the_spool_unless_told_otherwise() -> None:
    assert Settings(spool_dir=Path("/data/spool")).compile_folder() == Path("/data/spool.compiled")
    assert Settings(compile_cache=Path("/opt/kept")).compile_folder() == Path("/opt/kept")
