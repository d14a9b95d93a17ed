"""Which engines a worker loads, and who is the default: a sentence of the design, a test."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from container.chosen_engines import Chosen, chosen_engines
from container.settings import Settings
from model.engines.pack import EnginePack
from model.engines.registry import ENGINES, Entry, engines_of, types
from model.errors import WeightsError
from model.weights.pack import DEMO
from tests.model.conftest import DATA
from tests.server import ROOT


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A MODEL_DIR with a try-on and no avatar."""
    return Path(shutil.copytree(DATA / "weights", tmp_path / "weights"))


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second try-on engine, which needs no weights."""
    monkeypatch.setitem(ENGINES, "mirror", Entry("tryon", "tests.mirror.engine:Mirror"))


@pytest.fixture
def built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "up2you", replace(ENGINES["up2you"], built_in=True))


def manifest(folder: Path, **content: Any) -> None:
    (folder / "manifest.json").write_text(json.dumps(content))


def chosen(model_dir: Path | str, words: Sequence[str] = (), **defaults: str) -> Chosen:
    return chosen_engines(words, defaults, EnginePack(model_dir))


def test_without_a_setting_all_whose_weights_are_there_are_loaded(weights: Path, mirror: None) -> None:
    assert list(chosen(weights).packs) == ["catvton", "mirror"]


def test_engines_are_named_by_name_or_type(weights: Path, mirror: None) -> None:
    assert list(chosen(weights, ["mirror"]).packs) == ["mirror"]
    assert list(chosen(weights, ["tryon"]).packs) == ["catvton", "mirror"]
    assert list(chosen(weights, ["mirror", "catvton"]).packs) == ["catvton", "mirror"]  # in the registry's order


@pytest.mark.parametrize(("words", "engine"), [(["up2you"], "up2you"), (["catvton", "up2you"], "up2you")])
def test_what_is_named_and_has_no_weights_stops_the_start(weights: Path, words: list[str], engine: str) -> None:
    with pytest.raises(WeightsError, match=f"names '{engine}', but MODEL_DIR has no {engine}/"):
        chosen(weights, words)


def test_the_default_is_the_operators_else_the_manifests_else_the_first(weights: Path, mirror: None) -> None:
    assert chosen(weights).defaults == {"tryon": "catvton"}
    manifest(weights, default_engines={"tryon": "mirror"})
    assert chosen(weights).defaults == {"tryon": "mirror"}
    assert chosen(weights, tryon="catvton").defaults == {"tryon": "catvton"}
    assert chosen(weights, ["catvton"]).defaults == {"tryon": "catvton"}  # the manifest's is not loaded


def test_engines_that_companies_may_use_come_first_of_their_type() -> None:
    table = (ROOT / "docs/licences-and-privacy.md").read_text().split("What engines draw and write with")[0]
    forbidden = set(re.findall(r"^\| `(\w+)` \|.*\| \*\*no\*\* \|$", table, re.MULTILINE))
    assert forbidden
    assert forbidden < ENGINES.keys() == set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    for type in types():
        refused = [name in forbidden for name in engines_of(type)]
        assert refused == sorted(refused)


def test_built_in_weights_load_with_the_demo() -> None:
    assert chosen("demo").packs["catvton"].folder == DEMO


def test_built_in_weights_load_beside_others_when_either_setting_names_them(weights: Path, built_in: None) -> None:
    for found in (chosen(weights, ["catvton", "up2you"]), chosen(weights, avatar="up2you")):
        assert {name: pack.folder for name, pack in found.packs.items()} == {"catvton": weights, "up2you": DEMO}


def test_other_weights_without_either_setting_keep_the_engines_they_have_and_it_is_said(
    weights: Path, built_in: None
) -> None:
    found = chosen(weights)
    assert list(found.packs) == ["catvton"]
    assert found.left_out == ["warp", "template", "pointcloth", "up2you"]


def test_a_default_that_is_named_is_loaded(weights: Path, mirror: None) -> None:
    found = chosen(weights, ["catvton"], tryon="mirror")
    assert (list(found.packs), found.defaults) == (["catvton", "mirror"], {"tryon": "mirror"})


def test_the_built_in_try_on_is_the_warping_one_unless_told_otherwise() -> None:
    assert chosen("demo").defaults["tryon"] == "warp"
    assert chosen("demo", tryon="catvton").defaults["tryon"] == "catvton"


def test_the_built_in_avatar_is_the_template_one_unless_told_otherwise() -> None:
    assert chosen("demo").defaults["avatar"] == "template"
    assert chosen("demo", avatar="up2you").defaults["avatar"] == "up2you"


def test_the_built_in_warping_try_on_loads_beside_other_weights_where_it_is_named(weights: Path) -> None:
    found = chosen(weights, ["catvton", "warp"])
    assert {name: pack.folder for name, pack in found.packs.items()} == {"warp": DEMO, "catvton": weights}
    assert "warp" not in chosen(weights).packs


def test_the_built_in_outfits_load_beside_other_weights_where_they_are_named(weights: Path) -> None:
    found = chosen(weights, ["catvton", "outfit"])
    assert {name: pack.folder for name, pack in found.packs.items()} == {"catvton": weights, "pointcloth": DEMO}
    assert found.defaults == {"tryon": "catvton", "outfit": "pointcloth"}


def test_what_was_never_trained_is_loaded_only_when_it_is_named() -> None:
    tryons = ["warp", "catvton"]
    assert list(chosen("demo").packs) == [*tryons, "template", "pointcloth"]
    assert chosen("demo").left_out == ["ootdiffusion", "up2you"]
    assert list(chosen("demo", ["catvton", "up2you"]).packs) == ["catvton", "up2you"]
    assert list(chosen("demo", ["tryon", "avatar"]).packs) == [*tryons, "template"]
    assert list(chosen("demo", avatar="up2you").packs) == [*tryons, "template", "pointcloth", "up2you"]


def test_a_type_means_its_trained_engines_where_there_are_some(weights: Path, mirror: None) -> None:
    unet = "catvton/base/unet/diffusion_pytorch_model.safetensors"
    assert (weights / unet).is_file()
    manifest(weights, files={unet: {"untrained": True}})
    assert list(chosen(weights, ["tryon"]).packs) == ["mirror"]
    assert list(chosen(weights).packs) == ["mirror"]


def test_nothing_to_load_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no weights")
    with pytest.raises(WeightsError, match=r"no trained engine: .*catvton lacks catvton/"):
        chosen(tmp_path)


# -- the settings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("engines", "catvton,hat", "no type 'hat'"),
        ("engine_shares", "hat=2", "no type 'hat'"),
        ("engine_shares", "tryon", "name=positive number"),
        ("default_engines", "tryon=up2you", "expected type=engine"),
        ("default_engines", "hat=catvton", "expected type=engine"),
        ("default_engines", "catvton", "expected type=engine"),
    ],
)
def test_unknown_engines_are_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate({name: value})


def test_shares_are_given_to_engines_or_to_all_of_a_type(mirror: None) -> None:
    settings = Settings.model_validate({"engine_shares": "tryon=3,mirror=2", "default_engines": "tryon=mirror"})
    assert settings.shares().items() >= {"catvton": 3, "up2you": 1, "mirror": 2}.items()
    assert settings.defaults() == {"tryon": "mirror"}
