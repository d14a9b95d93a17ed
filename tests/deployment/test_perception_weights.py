"""Fetching the networks that look at people: labels, joints, mattes, a detector."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from packs import fetching

from model.engines.pack import EnginePack
from tests.deployment.conftest import ACCEPTED, Fetch
from tests.deployment.hub_site import HubSite

PERCEPTION = ("--only", "perception")


def test_networks_of_the_users_come_in_place_of_published_ones(
    fetch: Fetch, folder: Path, tmp_path: Path, hub: HubSite
) -> None:
    onnx = tmp_path / "onnx"
    onnx.mkdir()
    (onnx / "densepose.onnx").write_bytes(b"a network")
    (onnx / "parsing.json").write_bytes(b"{}")
    assert fetch(*PERCEPTION, "--perception", str(onnx), "--perception-licence", "ours", *ACCEPTED) == 0
    assert EnginePack(folder).facts(folder / "perception/densepose.onnx").licence == "ours"
    assert (folder / "perception/densepose.onnx").read_bytes() == b"a network"
    assert sorted(file.name for file in (folder / "perception").iterdir()) == [
        *("densepose.onnx", "matting.onnx", "parsing.json", "parsing_atr.onnx", "parsing_lip.onnx", "pose.onnx")
    ]
    assert not [path for path, _ in hub.served if "DensePose" in path]


def test_perception_is_fetched_by_itself_and_named_as_it_is_read(
    fetch: Fetch, folder: Path, monkeypatch: pytest.MonkeyPatch, hub: HubSite, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetching, "_PROJECT_COMMAND", folder / "no project")
    assert fetch(*PERCEPTION, *ACCEPTED) == 1
    assert (folder / "perception/matting.onnx").read_bytes().startswith(b"what is in onnx/model.onnx")
    assert (folder / "perception/pose.onnx").read_bytes().startswith(b"what is in dw-ll_ucoco_384.onnx")
    out = capsys.readouterr().out
    assert "where the project is installed, run: python -m model convert" in out
    assert "still missing perception/densepose.onnx" in out
    facts = EnginePack(folder).facts(folder / "perception/matting.onnx")
    assert (facts.licence, facts.revision) == ("MIT", hub.repositories["onnx-community/BiRefNet_lite-ONNX"].commit)


def test_densepose_is_converted_where_the_project_is(
    fetch: Fetch, hub: HubSite, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(*PERCEPTION, *ACCEPTED) == 1
    assert "model_final_162be9.pkl cannot be made perception/densepose.safetensors" in capsys.readouterr().err
    weights = {"model": {"roi_heads.box_predictor.cls_score.bias": np.zeros(2, np.float32), "pixel_mean": np.zeros(3)}}
    hub.repositories["zhengchong/CatVTON"].change("DensePose/model_final_162be9.pkl", pickle.dumps(weights))
    assert fetch(*PERCEPTION, *ACCEPTED, "--revision", "zhengchong/CatVTON=main") == 0
    assert (folder / "perception/densepose.safetensors").is_file()
    assert not list(folder.rglob("*.pkl"))
    served = len(hub.served)
    assert fetch(*PERCEPTION, *ACCEPTED) == 0
    assert len(hub.served) == served


def test_schps_checkpoints_can_be_fetched_instead_of_exports_by_others(
    fetch: Fetch, hub: HubSite, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = (*PERCEPTION, "detector", "--parsers", "pth", *ACCEPTED)
    monkeypatch.setattr(fetching, "_PROJECT_COMMAND", folder / "no project")
    assert fetch(*asked) == 1
    assert (folder / "perception/exp-schp-201908301523-atr.pth").is_file()
    assert (folder / "perception/detector.onnx").read_bytes().startswith(b"what is in yolox_l.onnx")
    assert re.search(r"python -m model convert \S+-atr\.pth \S+parsing_atr\.onnx", capsys.readouterr().out)
    assert not [path for path, _ in hub.served if "humanparsing" in path]


def test_what_forbids_commercial_use_can_be_left_out(
    fetch: Fetch, folder: Path, hub: HubSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_PROJECT_COMMAND", folder / "no project")
    assert fetch(*PERCEPTION, "--licences", "permissive", "--accept", "CC-BY-SA-3.0") == 1
    out = capsys.readouterr().out
    assert "left out, CC-BY-NC-SA-4.0 forbids commercial use: perception/parsing_lip.onnx" in out
    assert "still missing perception/parsing_lip.onnx: fetch it without --licences" in out
    assert not [path for path, _ in hub.served if "humanparsing" in path]
    assert (folder / "perception/matting.onnx").is_file()
