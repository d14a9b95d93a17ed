"""Whole folders, as published samples lie and as ours do, fitted by one command."""

from __future__ import annotations

import csv
import io
import json
import pickle
import shutil
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from model.__main__ import main
from model.engines.pointcloth.bodies import read_worn_body
from model.engines.pointcloth.body import DrapedBody, read_draped_body
from model.engines.pointcloth.folder_fits import own_mask
from model.engines.pointcloth.folders import subjects_in
from model.engines.pointcloth.outfit import read_outfit
from model.engines.pointcloth.published import read_codes
from model.engines.pointcloth.published_bodies import read_published_body
from model.errors import InputError, WeightsError
from tests.model.pointcloth.conftest import FOCAL, PHOTO
from tests.model.pointcloth.test_published import Evil

QUICK = ["--coarse-iterations=1", "--fine-iterations=1", f"--focal={FOCAL}", "--size=64", "--seed=1", "--device=cpu"]


@pytest.fixture(scope="module")
def body(weights: Path) -> DrapedBody:
    return read_draped_body(weights)


def written(file: Path, content: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(content, protocol=2))
    return file


def table(file: Path, *rows: tuple[str, str]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([("seq", "id"), *rows])
    return file


def tracked(**changes: Any) -> dict[str, Any]:
    pose = np.zeros(72)
    pose[0] = np.pi
    return {"betas": np.zeros(10), "transl": np.array([0, 0.1, 12.0]), "full_pose_aa": pose, **changes}


@pytest.fixture
def video(person: dict[str, Path], tmp_path: Path) -> Path:
    """Anna on three frames, with the published kind of mask."""
    folder = tmp_path / "psp"
    with Image.open(person["mask"]) as mask:
        levels = np.asarray(mask)
    rgba = np.zeros((*levels.shape, 4), np.uint8)
    rgba[..., 3] = levels
    rgba[60:66, 30:66, 0] = levels[60:66, 30:66]  # shoes
    for number in range(3):
        for kind in ("rgb", "segm_cloth"):
            (folder / kind / "anna").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(person["photo"], folder / f"rgb/anna/{number:06d}.png")
        Image.fromarray(rgba).save(folder / f"segm_cloth/anna/{number:06d}.png")
        written(folder / f"smpl/anna/{number:06d}.pkl", tracked())
    table(folder / "splits/anna/fit1.csv", ("anna", "1"))
    table(folder / "splits/anna/train.csv", ("anna", "000000"), ("anna", "000001"), ("anna", "000002"))
    return folder


def test_a_published_video_is_fitted_and_its_code_written_as_the_notebooks_read_it(
    video: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["outfit", "fit", f"--data={video}", "--looks-split=train", "--most-photos=2", "--name=psp", f"--out={out}"]
    assert main([*words, *QUICK, f"--model-dir={weights}"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"1 of 1 in {out}"
    outfit = read_outfit(out / "anna/outfit.npz")
    np.testing.assert_array_equal(read_codes(out / "outfit_codes_psp.pkl")["anna"], outfit.code)
    with (out / "image_paths_psp.pkl").open("rb") as file:
        assert pickle.load(file) == {"anna": str(video / "rgb/anna/000001.png")}  # noqa: S301 - as the notebooks do
    assert 0 <= float(json.loads((out / "anna/fit.json").read_text())["settings"]["mask_iou"]) <= 1
    assert {"outfit.ply", "outfit.glb", "fit.png", "body.json"} <= {file.name for file in (out / "anna").iterdir()}


def test_who_cannot_be_fitted_is_told_and_the_others_are(
    person: dict[str, Path], weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    for kind, source in (("photos", "photo"), ("masks", "mask"), ("bodies", "body")):
        (data / kind).mkdir(parents=True)
        for name in ("ann", "ben"):
            content = person[source].read_bytes()
            (data / kind / f"{name}{person[source].suffix}").write_bytes(content)
    Image.new("L", PHOTO).save(data / "masks/ben.png")
    words = ["outfit", "fit", f"--data={data}", f"--out={out}", f"--model-dir={weights}", "--appearance=none"]
    assert main([*words, *QUICK]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == f"1 of 2 in {out}"
    assert "ben: 'masks.0' shows no clothes to fit (empty_mask)" in said.err
    assert list(read_codes(out / "outfit_codes_ours.pkl")) == ["ann"]
    assert main([*words, *QUICK, f"--csv={table(tmp_path / 'some.csv', ('', 'x'))}"]) == 1
    assert "plain name" in capsys.readouterr().err


def test_the_three_layouts_are_told_apart(video: Path, person: dict[str, Path], tmp_path: Path) -> None:
    [anna] = subjects_in(video, None, "fit1", "train", 64)
    assert [frame.photo.stem for frame in anna.frames] == ["000001", "000000", "000002"]
    [anna] = subjects_in(video, None, "fit1", "train", 2)
    assert [frame.photo.stem for frame in anna.frames] == ["000001", "000002"]
    [anna] = subjects_in(video, table(tmp_path / "rows.csv", ("anna", "2")), "fit1", None, 9)
    assert [frame.photo.stem for frame in anna.frames] == ["000002"]

    single = tmp_path / "internet_images"
    for name in ("ann", "ben"):
        for kind in ("images", "segmentations/cloth"):
            (single / kind).mkdir(parents=True, exist_ok=True)
            Image.new("RGBA", (8, 8)).save(single / kind / f"{name}.png")
    written(single / "smpl/results/ann.pkl", {})
    written(single / "smpl/results/ben/000.pkl", {})
    assert [s.frames[0].body for s in subjects_in(single, None, "fit1", None, 9)] == [
        single / "smpl/results/ann.pkl",
        single / "smpl/results/ben/000.pkl",
    ]
    [ben] = subjects_in(single, table(tmp_path / "one.csv", ("internet", "ben")), "fit1", None, 9)
    assert ben.name == "ben"
    for rows in (("x", "zoe"), ("x", "../ann"), ("", "ann")):
        with pytest.raises(InputError):
            subjects_in(single, table(tmp_path / "bad.csv", rows), "fit1", None, 9)
    (single / "smpl/results/ann.pkl").unlink()
    with pytest.raises(InputError, match="there is no"):
        subjects_in(single, None, "fit1", None, 9)
    with pytest.raises(InputError, match="no pictures"):
        subjects_in(tmp_path, None, "fit1", None, 9)


def test_published_masks_are_black_and_green_but_not_red(tmp_path: Path) -> None:
    pixels = [(0, 0, 0, 255), (0, 255, 0, 255), (255, 0, 0, 255), (0, 0, 0, 0)]
    Image.fromarray(np.array([pixels], np.uint8)).save(tmp_path / "theirs.png")
    ours = own_mask(tmp_path / "theirs.png", tmp_path / "ours.png")
    with Image.open(ours) as mask:
        assert np.asarray(mask).tolist() == [[255, 255, 0, 0]]
    Image.new("L", (2, 2), 255).save(tmp_path / "plain.png")
    assert own_mask(tmp_path / "plain.png", tmp_path / "none.png") == tmp_path / "plain.png"


def test_bodies_of_both_tools_stand_where_they_should(body: DrapedBody, tmp_path: Path) -> None:
    plain = read_published_body(written(tmp_path / "tracked.pkl", tracked()), body)
    (tmp_path / "body.json").write_text(json.dumps({"translation": [0, 0.1, 12.0], "pose": {"pelvis": [np.pi, 0, 0]}}))
    ours = read_worn_body(tmp_path / "body.json", "body", body)
    torch.testing.assert_close(plain.vertices(body), ours.vertices(body))

    turn = torch.tensor([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    fitted = {
        "betas": torch.ones(1, 10),
        "global_orient": torch.tensor([[0.3, 0.2, 0.1]]),
        "body_pose": torch.full((1, 69), 0.05),
        "camera_translation": torch.tensor([[0.5, 0.2, 30.0]]),
    }
    straight = read_published_body(written(tmp_path / "fitted.pkl", fitted), body)
    turned = read_published_body(written(tmp_path / "turned.pkl", fitted | {"camera_rotation": turn[None]}), body)
    place = torch.tensor([0.5, 0.2, 30.0])
    expected = (straight.vertices(body) - place) @ turn.mT + place
    torch.testing.assert_close(turned.vertices(body), expected, atol=1e-4, rtol=0)


class OnGpu:
    """Is pickled as a tensor of three numbers that lies on a GPU."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return torch._utils._rebuild_tensor_v2, (_Storage(), 0, (3,), (1,), False, OrderedDict())


class _Storage:
    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        inner = io.BytesIO()
        numbers = torch.tensor([0.0, 0.1, 12.0]).untyped_storage()
        typed = torch.storage.TypedStorage(wrap_storage=numbers, dtype=torch.float32, _internal=True)  # type: ignore[no-untyped-call]
        torch.save(typed, inner, _use_new_zipfile_serialization=False)
        here, there = inner.getvalue(), (b"ctorch.cuda\nFloatStorage", b"X\x06\x00\x00\x00cuda:0")
        for old, new in zip((b"ctorch\nFloatStorage", b"X\x03\x00\x00\x00cpu"), there, strict=True):
            assert old in here
            here = here.replace(old, new)
        return torch.storage._load_from_bytes, (here,)


def test_tensors_of_a_gpu_are_read_without_one(body: DrapedBody, tmp_path: Path) -> None:
    read = read_published_body(written(tmp_path / "gpu.pkl", tracked(transl=OnGpu())), body)
    torch.testing.assert_close(read.translation, torch.tensor([0.0, 0.1, 12.0]))


def test_a_body_that_cannot_be_used_says_why(body: DrapedBody, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    for content, why in (
        (Evil(touched), "asks for"),
        ({"betas": Evil(touched)}, "asks for"),
        ([], "not a table"),
        ({"betas": np.zeros(10)}, "no array global_orient"),
        (tracked(full_pose_aa=np.zeros(60)), "60 numbers"),
        (tracked(transl=np.zeros(2)), "transl has 2 numbers"),
        (tracked(betas=np.full(10, np.nan)), "not finite"),
    ):
        with pytest.raises(WeightsError, match=why):
            read_published_body(written(tmp_path / "body.pkl", content), body)
    assert not touched.exists()
