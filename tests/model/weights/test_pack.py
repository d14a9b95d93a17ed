"""MODEL_DIR: what is there, what is known about it, what is wrong with it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from model.__main__ import main
from model.engines.catvton import checkpoint
from model.engines.catvton.files import VAE, attention_file
from model.engines.check import check
from model.engines.pack import EnginePack
from model.errors import WeightsError
from model.weights.layout import TENSOR_FILES
from model.weights.pack import DEMO
from tests.model.perception.networks import write_shares
from tests.model.tryon.labelled import write_networks

TRYON_FILES = 6


def test_demo_is_the_embedded_pack() -> None:
    pack = EnginePack("demo")
    assert pack.folder == DEMO
    assert "catvton" in pack.engines
    assert pack.defaults("catvton") == {"width": 96, "height": 128, "steps": 2, "guidance": 1.2}
    assert pack.licence_of("catvton") == "MIT (trained on made-up people)"


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_a_folder_without_anything_says_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match=f"{name} holds no weights.*MODEL_DIR=demo") as caught:
        EnginePack(tmp_path / name)
    assert "\n" not in caught.value.message


def test_an_engine_needs_all_its_files(weights: Path) -> None:
    assert "catvton" in EnginePack(weights).engines
    attention_file(weights).unlink()
    (weights / "catvton" / VAE / "config.json").unlink()
    assert "catvton" not in EnginePack(weights).engines
    assert EnginePack(weights).missing("catvton") == [
        "catvton/vae/config.json",
        "catvton/attention/mix-48k-1024/attention/model.safetensors",
    ]


def test_bytes_on_disk_are_those_the_engine_reads(weights: Path) -> None:
    (weights / "README.md").write_text("not weights")
    pack = EnginePack(weights)
    assert len(pack.files_of("catvton")) == TRYON_FILES
    assert pack.bytes_on_disk("catvton") == sum(file.stat().st_size for file in pack.files_of("catvton"))


def write_manifest(weights: Path, **facts: str) -> None:
    names = [EnginePack(weights).name(file) for file in EnginePack(weights).files_of("catvton")]
    (weights / "manifest.json").write_text(json.dumps({"files": dict.fromkeys(names, facts)}))


def test_a_fingerprint_changes_with_the_weights(weights: Path) -> None:
    before = EnginePack(weights).fingerprint_of("catvton")
    assert before == EnginePack(weights).fingerprint_of("catvton")
    with attention_file(weights).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    assert EnginePack(weights).fingerprint_of("catvton") != before


def test_samples_of_a_large_file_reach_its_end(weights: Path) -> None:
    unet = weights / "catvton/base/unet" / TENSOR_FILES[0]
    assert unet.stat().st_size > 2 * 2**20
    before = EnginePack(weights).fingerprint_of("catvton")
    content = bytearray(unet.read_bytes())
    content[-1] ^= 1
    unet.write_bytes(content)
    assert EnginePack(weights).fingerprint_of("catvton") != before


def test_a_complete_manifest_saves_reading_the_files(weights: Path) -> None:
    write_manifest(weights, sha256="0" * 64)
    before = EnginePack(weights).fingerprint_of("catvton")
    attention_file(weights).write_bytes(b"other")
    assert EnginePack(weights).fingerprint_of("catvton") == before
    write_manifest(weights, sha256="1" * 64)
    assert EnginePack(weights).fingerprint_of("catvton") != before


def test_licences_come_from_the_manifest(weights: Path) -> None:
    assert EnginePack(weights).licence_of("catvton") == "unknown"
    write_manifest(weights, licence="CC BY-NC-SA 4.0")
    assert EnginePack(weights).licence_of("catvton") == "CC BY-NC-SA 4.0"


def test_a_manifest_may_begin_with_a_byte_order_mark(weights: Path) -> None:
    write_manifest(weights, licence="CC BY-NC-SA 4.0")
    file = weights / "manifest.json"
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert EnginePack(weights).licence_of("catvton") == "CC BY-NC-SA 4.0"


@pytest.mark.parametrize("manifest", ["{", '{"files": {"a": {"sha256": "short"}}}', '{"flies": {}}'])
def test_a_broken_manifest_is_a_weights_error(weights: Path, manifest: str) -> None:
    (weights / "manifest.json").write_text(manifest)
    with pytest.raises(WeightsError, match=r"manifest\.json"):
        EnginePack(weights)


def test_looking_at_a_pack_does_not_import_torch() -> None:
    program = (
        "import sys; from model.engines.pack import EnginePack; EnginePack('demo').fingerprint_of('catvton'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# -- python -m model check ---------------------------------------------------------------------------------------


def test_check_says_what_a_good_pack_needs(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_manifest(weights, licence="MIT")
    assert main(["check", str(weights)]) == 0
    said = capsys.readouterr().out
    assert "catvton: complete" in said
    assert "licence           MIT" in said
    assert "resident          1.2 MB at float16, 2.5 MB at float32" in said
    unet, vae = (read(weights).parameters() for read in (checkpoint.unet, checkpoint.vae))
    assert f"low               {2 * max(unet, vae) / 1e6:.1f} MB at float16" in said
    assert max(unet, vae) < unet + vae


def test_check_finds_every_problem_at_once(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_manifest(weights, sha256="0" * 64)
    (weights / "catvton/base/scheduler/scheduler_config.json").unlink()
    tensors = load_file(weights / "catvton" / VAE / TENSOR_FILES[0])
    tensors["decoder.conv_inn.bias"] = tensors.pop("decoder.conv_in.bias")
    save_file(tensors, weights / "catvton" / VAE / TENSOR_FILES[0])
    attention = load_file(attention_file(weights))
    attention["0.to_q.weight"] = attention["0.to_q.weight"][:8].clone()
    save_file(attention, attention_file(weights))

    assert main(["check", str(weights)]) == 1
    said = capsys.readouterr().out
    assert "catvton/base/scheduler/scheduler_config.json: missing" in said
    assert "unexpected key 'decoder.conv_inn.bias', nearest is 'decoder.conv_in.bias'" in said
    assert "missing key 'decoder.conv_in.bias'" in said
    assert "'0.to_q.weight' has shape (8, 16), expected (16, 16)" in said
    assert said.count("the manifest says 000") == TRYON_FILES - 1
    assert said.count("problem  ") == 4 + TRYON_FILES - 1


def test_check_reports_a_broken_config_and_goes_on(weights: Path) -> None:
    (weights / "catvton/base/unet/config.json").write_text("{")
    (weights / "catvton" / VAE / TENSOR_FILES[0]).write_bytes(b"")
    (report,) = check(EnginePack(weights))
    assert [problem.split(":")[0].rsplit("/", 1)[1] for problem in report.problems] == ["config.json", TENSOR_FILES[0]]


def test_check_of_a_folder_without_any_engine_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "something.txt").touch()
    assert main(["check", str(tmp_path)]) == 1
    assert "holds no file of any engine" in capsys.readouterr().err


def test_check_names_how_each_perception_file_is_asked(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_networks(weights)
    write_shares(weights / "perception/matting.onnx")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    (weights / "perception/detector.onnx").write_text(pointer)
    assert main(["check", str(weights)]) == 1
    said = capsys.readouterr().out
    assert re.search(r"perception/parsing_atr\.onnx +asked as its metadata says", said)
    assert re.search(r"perception/matting\.onnx +asked as built-in profile 'U2-Net' says", said)
    assert "perception: 1 problem(s)" in said
    assert "detector.onnx: is a Git LFS pointer, not the network itself" in said
    for name in ("detector", "matting"):  # the avatar engine's, too, of which nothing else is there
        (weights / f"perception/{name}.onnx").unlink()
    assert main(["check", str(weights)]) == 0
    assert "perception: complete" in capsys.readouterr().out
