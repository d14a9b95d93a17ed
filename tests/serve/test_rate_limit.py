"""Several tokens with names, and how much each of them may ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from container.__main__ import EXIT_CANNOT_START, main
from container.settings import Settings
from serve.tokens import Tokens
from tests.serve.test_invocations import assert_problem
from tests.serve.test_token import bearer
from tests.server import Server, serving

SHOP, APP, OLD = "shop-secret-1", "app-secret=2", "default-secret-3"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"API_TOKEN": OLD, "API_TOKENS": f"shop={SHOP}, app={APP}", "RATE_LIMIT": "2/hour"}
    with serving(tmp_path_factory.mktemp("shared"), **settings) as server:
        yield server


def test_each_token_has_its_own_share_and_the_next_request_is_told_when_to_come(shared: Server) -> None:
    for _ in range(2):
        assert shared.invoke({"type": "probe"}, **bearer(SHOP)).status_code == 200
    refused = shared.invoke({"type": "probe"}, **bearer(SHOP))
    assert_problem(refused, 429, "rate_limited")
    assert 0 < int(refused.headers["retry-after"]) <= 3601
    assert "shop" not in refused.text
    assert shared.invoke({"type": "probe"}, **bearer(APP)).status_code == 200
    assert shared.invoke({"type": "probe"}, **bearer(OLD)).status_code == 200


def test_looking_is_not_counted(shared: Server) -> None:
    for _ in range(4):
        assert shared.client.get("/api/models", headers=bearer(APP)).status_code == 200
        assert shared.client.post("/ping").status_code == 200


def test_logs_tell_whose_request_it_was_and_no_token(shared: Server) -> None:
    shared.client.get("/api/models", headers=bearer(APP))
    lines = [json.loads(line) for line in shared.log.read_text().splitlines()]
    assert "app" in {line.get("token") for line in lines if line.get("route") == "/api/models"}
    assert not any(secret in shared.log.read_text() for secret in (SHOP, APP, OLD))


def test_without_tokens_addresses_are_limited(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("limited"), RATE_LIMIT="1 per hour") as server:
        assert server.probe().status_code == 200
        assert_problem(server.probe(), 429, "rate_limited")


def test_a_token_is_known_by_its_name_and_the_key_changes_with_it() -> None:
    tokens = Tokens({"shop": SHOP, "app": APP})
    assert [tokens.name_of(given.encode()) for given in (SHOP, APP, SHOP + "x", "")] == ["shop", "app", None, None]
    assert tokens.key != Tokens({"shop": SHOP}).key
    assert Tokens({}).key is None


@pytest.mark.parametrize("tokens", ["secret-4", "=secret-4", "a b=secret-4", "a=secret-4,,b=c", "a="])
def test_tokens_without_names_stop_the_start_and_are_not_shown(
    tokens: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API_TOKENS", tokens)
    assert main(["serve"]) == EXIT_CANNOT_START
    said = capsys.readouterr().err
    assert said.startswith("cannot start: API_TOKENS: ")
    assert "secret-4" not in said


@pytest.mark.parametrize("limit", ["60", "a/minute", "60/fortnight", "0x/s"])
def test_a_limit_that_is_none_stops_the_start(limit: str) -> None:
    with pytest.raises(ValidationError, match="60/minute"):
        Settings(rate_limit=limit)
