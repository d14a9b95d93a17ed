"""`python -m model evaluate`: from folders to a table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from model.__main__ import main
from model.evaluate.lpips import squeezenet
from model.measures.exact_pair import filled, psnr
from tests.model.conftest import DATA
from tests.model.evaluate.data_sets import SHIRTS, labels, mask, person, write_dresscode, write_vitonhd
from tests.model.evaluate.feature_files import Means, write_onnx, write_script
from tests.model.tryon.drawing import array, noise, opened, saved
from tests.model.tryon.labelled import LIP, SHIRT, draw_labelled, write_networks

DEMO = ["--model-dir", "demo", "--device", "cpu", "--width", "96", "--height", "128", "--steps", "1"]


@pytest.fixture(scope="module")
def vitonhd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vitonhd(tmp_path_factory.mktemp("data") / "vitonhd")


def evaluated(out: Path, *options: str | Path) -> dict[str, Any]:
    """What `evaluation.json` says."""
    assert main(["evaluate", "--out", str(out), *map(str, options)]) == 0
    said: dict[str, Any] = json.loads((out / "evaluation.json").read_text())
    return said


def means(said: dict[str, Any], column: str = "result") -> dict[str, float]:
    return {name: row[column]["mean"] for name, row in said["measures"].items() if column in row}


# -- a test set whose results are known ----------------------------------------------------------------------------


def test_perfect_results_score_perfectly(vitonhd: Path, tmp_path: Path) -> None:
    said = evaluated(tmp_path, "--data", vitonhd, "--results", vitonhd / "test/image")
    assert means(said) == {
        **{name: pytest.approx(100) for name in ("psnr", "psnr_mask", "psnr_garment", "psnr_garment_patterned")},
        "ssim": pytest.approx(1, abs=1e-4),
        "psnr_outside": 100,
        "changed_outside": 0,
        "colour_error": 0,
        "retrieval": 100,
    }
    assert all(row["result"]["n"] == SHIRTS for row in said["measures"].values())


def test_baselines_score_as_they_do_when_they_are_the_results(vitonhd: Path, tmp_path: Path) -> None:
    garment, area = labels(LIP) == LIP[SHIRT], array(mask()) > 0
    for i in range(SHIRTS):
        painted = filled(person(i), area, garment & area)
        saved(Image.fromarray(painted), tmp_path / f"{i:05}_00.png")
    said = evaluated(tmp_path / "out", "--data", vitonhd, "--results", tmp_path)
    results, baseline = means(said), means(said, "mask filled")
    assert baseline == {name: results[name] for name in baseline}
    expected = [psnr(filled(person(i), area, garment & area), person(i), area) for i in range(SHIRTS)]
    assert baseline["psnr_mask"] == pytest.approx(np.mean(expected))
    silhouette = means(said, "silhouette filled")
    assert silhouette["psnr_garment"] == baseline["psnr_garment"]
    assert silhouette["psnr_mask"] > baseline["psnr_mask"]
    assert results["psnr_outside"] == 100
    assert results["colour_error"] < 0.5
    assert results["retrieval"] < 60


def test_wrong_garments_are_not_found(vitonhd: Path, tmp_path: Path) -> None:
    for i in range(SHIRTS):
        saved(Image.fromarray(person((i + 1) % SHIRTS)), tmp_path / f"{i:05}_00.png")
    paired = evaluated(tmp_path / "paired", "--data", vitonhd, "--results", tmp_path)
    assert means(paired)["retrieval"] == 0
    assert means(paired)["colour_error"] > 10
    unpaired = evaluated(tmp_path / "unpaired", "--data", vitonhd, "--results", tmp_path, "--unpaired")
    assert means(unpaired) == {"psnr_outside": pytest.approx(100, abs=70), "changed_outside": 0, "retrieval": 100}


def test_without_masks_or_label_maps_the_published_measures_remain(tmp_path: Path) -> None:
    data = write_vitonhd(tmp_path / "data", 2, masks=False, maps=False)
    said = evaluated(tmp_path / "out", "--data", data, "--results", data / "test/image")
    assert means(said).keys() == {"ssim", "psnr"}
    maskless = write_vitonhd(tmp_path / "mapless", 2, maps=False)
    said = evaluated(tmp_path / "out", "--data", maskless, "--results", maskless / "test/image")
    assert means(said).keys() == {"ssim", "psnr", "psnr_mask", "psnr_outside", "changed_outside"}
    assert said["left_out"]["retrieval"] == "0 garments, 12 make a group"


def test_a_result_of_another_size_is_judged_at_its_own(vitonhd: Path, tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    for i in range(SHIRTS):
        small = Image.fromarray(person(i)).resize((48, 64), Image.Resampling.LANCZOS)
        saved(small, tmp_path / f"test/{i:05}_00.png")
    said = evaluated(tmp_path / "out", "--data", vitonhd, "--results", tmp_path)
    assert means(said)["psnr"] == means(said)["psnr_garment"] == 100


# -- a pack at work ------------------------------------------------------------------------------------------------


def test_a_pack_is_evaluated_on_a_test_set(vitonhd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = evaluated(tmp_path, "--data", vitonhd, "--count", "3", "--seed", "7", "--quality", "fast", *DEMO)
    results = sorted((tmp_path / "results/test").iterdir())
    assert [file.name for file in results] == ["00000_00.png", "00004_00.png", "00008_00.png"]
    assert said["settings"]["seed"] == 7
    assert said["settings"]["variant"] == "mask"
    assert (said["settings"]["solver"], said["settings"]["steps"]) == ("dpmpp", 1)
    assert means(said)["changed_outside"] == 0
    assert means(said)["psnr_mask"] < 30
    assert said["pictures"].keys() == {f"test/{file.name}" for file in results}
    words = capsys.readouterr()
    assert "dress: 100%" in words.err
    assert "| SSIM ↑ | 3 |" in words.out
    assert "left out: no --lpips-weights" in (tmp_path / "evaluation.md").read_text()
    assert opened(tmp_path / "contact_sheet.png").height > 4 * 240


def test_each_picture_has_noise_of_its_own_whoever_is_dressed_beside(vitonhd: Path, tmp_path: Path) -> None:
    for name, at_once in (("together", 3), ("alone", 1)):
        evaluated(tmp_path / name, "--data", vitonhd, "--count", "3", "--at-once", str(at_once), *DEMO)
    for file in (tmp_path / "alone/results/test").iterdir():
        together = array(opened(tmp_path / "together/results/test" / file.name)).astype(int)
        assert np.abs(array(opened(file)) - together).max() <= 1


def test_dresscode_is_read_and_unpaired_results_have_no_truth(tmp_path: Path) -> None:
    data = write_dresscode(tmp_path / "dresscode")
    said = evaluated(tmp_path / "paired", "--data", data, *DEMO, "--no-repaint")
    assert {"psnr_garment", "ssim"} <= means(said).keys()
    assert (tmp_path / "paired/results/upper_body/000001_0.png").is_file()
    said = evaluated(tmp_path / "unpaired", "--data", data, *DEMO, "--unpaired")
    assert means(said).keys() == {"psnr_outside", "changed_outside"}


@pytest.fixture(scope="module")
def maskfree_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's mask-based networks without the mask's input channel."""
    folder = tmp_path_factory.mktemp("maskfree")
    variant = Path(shutil.copytree(DATA / "weights/catvton", folder / "catvton_maskfree"))
    config = next((variant / "base/unet").glob("config.json"))
    config.write_text(json.dumps(json.loads(config.read_text()) | {"in_channels": 8}))
    file = next((variant / "base/unet").glob("*.safetensors"))
    tensors = load_file(file)
    tensors["conv_in.weight"] = tensors["conv_in.weight"][:, [0, 1, 2, 3, 5, 6, 7, 8]].contiguous()
    save_file(tensors, file)
    return folder


def test_without_masks_the_person_comes_in_other_clothes(tmp_path: Path, maskfree_pack: Path) -> None:
    data = write_vitonhd(tmp_path / "data", 2)
    (data / "test/image-other").mkdir()
    for i in range(2):
        saved(Image.new("RGB", (96, 128), (0, 0, 200 * i)), data / f"test/image-other/{i:05}_00.png")
    options = ["--model-dir", str(maskfree_pack), *DEMO[2:]]
    others = evaluated(tmp_path / "others", "--data", data, *options)
    assert others["settings"]["variant"] == "maskfree"
    shutil.rmtree(data / "test/image-other")
    same = evaluated(tmp_path / "same", "--data", data, *options)
    assert means(others)["psnr"] != means(same)["psnr"]


def test_automatic_masks_are_judged_by_the_data_sets(tmp_path: Path) -> None:
    weights = Path(shutil.copytree(DATA / "weights", tmp_path / "weights"))
    write_networks(weights)
    data = write_dresscode(tmp_path / "data", 1)
    photo = data / "upper_body/images/000000_0.png"
    draw_labelled().save(photo)  # in the colours the networks know
    options: list[str | Path] = ["--automasks", "--model-dir", weights, "--device", "cpu"]
    said = evaluated(tmp_path / "out", "--data", data, "--results", data / "upper_body/images", *options)
    scores = means(said)
    assert scores["atr_iou"] > 0.9
    assert scores["densepose_iou"] > 0.9
    assert 0.3 < scores["mask_iou"] < 1
    assert "lip_iou" not in scores

    mask_only = ["--mask-only", "--model-dir", str(weights), "--device", "cpu", "--out", str(tmp_path / "found")]
    assert main(["tryon", "--person", str(photo), *mask_only]) == 0
    shutil.copy(tmp_path / "found/mask.png", data / "upper_body/agnostic_masks/000000_0.png")
    said = evaluated(tmp_path / "out", "--data", data, "--results", data / "upper_body/images", *options)
    assert means(said)["mask_iou"] == 1

    Image.new("RGB", (96, 128), (200, 200, 200)).save(photo)  # nobody
    said = evaluated(tmp_path / "out", "--data", data, "--results", data / "upper_body/images", *options)
    assert means(said)["mask_iou"] == 0


# -- two folders ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    for i in range(3):
        (tmp_path / "results").mkdir(exist_ok=True)
        (tmp_path / "truth").mkdir(exist_ok=True)
        saved(Image.new("RGB", (30, 40), (10 * i, 100, 0)), tmp_path / f"results/{i}.png")
        saved(Image.new("RGB", (60, 80), (10 * i, 110, 0)), tmp_path / f"truth/{i}.webp", lossless=True)
    saved(noise(30, 40), tmp_path / "truth/other.png")
    return ["--results", str(tmp_path / "results"), "--truth", str(tmp_path / "truth"), "--device", "cpu"]


def test_two_folders_are_matched_by_name_and_compared_at_the_results_size(folders: list[str], tmp_path: Path) -> None:
    said = evaluated(tmp_path / "out", *folders)
    assert means(said)["psnr"] == pytest.approx(10 * np.log10(255**2 * 3 / 100))
    assert said["measures"]["ssim"]["result"]["n"] == 3
    assert set(said["left_out"]) == {"lpips", "fid", "kid"}
    assert opened(tmp_path / "out/contact_sheet.png").width > 3 * 180


def test_given_weights_all_published_measures_are_there(folders: list[str], tmp_path: Path) -> None:
    torch.manual_seed(1)
    states = {f"features.{name}": tensor for name, tensor in squeezenet().state_dict().items()}
    torch.save(states, tmp_path / "squeezenet.pth")
    features = write_script(tmp_path / "features.pt", Means())
    (tmp_path / "truth/other.png").unlink()
    weights = ["--feature-weights", str(features), "--lpips-weights", str(tmp_path / "squeezenet.pth")]
    said = evaluated(tmp_path / "out", *folders, *weights)
    assert means(said).keys() == {"ssim", "psnr", "lpips", "fid", "kid"}
    assert means(said)["fid"] == pytest.approx(2 * 10**2, rel=1e-3)  # two of six features are 10 apart, none else
    assert said["left_out"] == {}
    assert means(said)["lpips"] > 0


def test_unpaired_folders_are_compared_as_sets(folders: list[str], tmp_path: Path) -> None:
    saved(Image.new("RGB", (30, 40)), tmp_path / "results/of_nobody.png")
    features = write_onnx(tmp_path / "means.onnx")
    said = evaluated(tmp_path / "out", *folders, "--unpaired", "--feature-weights", features)
    assert means(said).keys() == {"fid", "kid"}
    assert said["measures"]["fid"]["result"]["n"] == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give either --data, or --results and --truth"),
        (["--results", "results"], "give either --data, or --results and --truth"),
        (["--data", "data", "--truth", "truth"], "--data has its own truth"),
        (["--data", "nowhere"], "neither VITON-HD"),
        (["--results", "results", "--truth", "empty"], "holds no pictures"),
        (["--results", "more", "--truth", "results"], "1 results have no truth of their name, '7' first"),
        (["--results", "twice", "--truth", "results"], "have one name"),
        (["--data", "data", "--results", "results"], "has no result for 'test/00000_00'"),
        (["--results", "results", "--truth", "results", "--lpips-weights", "absent"], "absent is no SqueezeNet"),
        (["--results", "results", "--truth", "results", "--feature-weights", "absent"], "absent"),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_vitonhd(Path("data"), 1)
    for file in ("results/1.png", "more/1.png", "more/7.png", "twice/1.png", "twice/1.webp"):
        Path(file).parent.mkdir(exist_ok=True)
        saved(noise(20, 20), Path(file))
    Path("empty").mkdir()
    assert main(["evaluate", "--out", "out", "--device", "cpu", *options]) == 1
    assert said in capsys.readouterr().err.rstrip("\n").splitlines()[-1]


def test_nothing_is_not_evaluated(vitonhd: Path) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--data", str(vitonhd), "--out", "out", "--count", "0"])
