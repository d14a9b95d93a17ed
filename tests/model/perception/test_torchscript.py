"""DensePose as a TorchScript: only known programs run, and operators of torchvision are there without torchvision."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from model.errors import WeightsError
from model.perception.densepose import torchscript
from model.perception.densepose.boxes import looked_into, roi_align
from model.perception.densepose.torchscript import ScriptedDensePose, declare_operators
from model.perception.files import label_map_files
from model.perception.label_maps import open_parser

PART, BOX = 7, (10.0, 5.0, 40.0, 45.0)


class InTuple(nn.Module):
    """Two people, the second of whom is dropped, found with both operators; all of the first is one part."""

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        boxes = torch.tensor([[10.0, 5.0, 40.0, 45.0], [11.0, 6.0, 41.0, 46.0]])
        kept = torch.ops.torchvision.nms(boxes, torch.tensor([0.9, 0.8]), 0.5)
        boxes = boxes[kept]
        rois = torch.cat([torch.zeros(len(boxes), 1), boxes], 1)
        bright = torch.ops.torchvision.roi_align(picture[None].float() / 255, rois, 1.0, 8, 8, 2, False)[:, :1]
        coarse = torch.cat([torch.full_like(bright, 0.5), bright], 1)
        fine = torch.zeros(len(boxes), 25, 8, 8)
        fine[:, 7] = 1.0
        return boxes, coarse, fine, fine, fine


class ByName(nn.Module):
    """As the other kind of export answers; the second is not sure enough."""

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        boxes = torch.tensor([[10.0, 5.0, 40.0, 45.0], [0.0, 0.0, 8.0, 8.0]])
        coarse = torch.zeros(2, 2, 8, 8)
        coarse[:, 1] = picture.float().mean() / 255
        fine = torch.zeros(2, 25, 8, 8)
        fine[:, 7] = 1.0
        return {
            "pred_boxes": boxes,
            "scores": torch.tensor([0.95, 0.5]),
            "pred_densepose_coarse_segm": coarse,
            "pred_densepose_fine_segm": fine,
        }


def scripted(module: nn.Module, file: Path) -> Path:
    declare_operators()
    file.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have another format
        torch.jit.save(torch.jit.script(module), file)
    return file


@pytest.mark.parametrize("module", [InTuple, ByName])
def test_an_export_labels_the_surest_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Callable[[], nn.Module]
) -> None:
    monkeypatch.setenv("ALLOW_TORCHSCRIPT", "1")
    file = scripted(module(), tmp_path / "perception/densepose.torchscript")
    assert file in label_map_files(tmp_path)
    network = open_parser(file, 25)
    labels = network.labels(Image.new("RGB", (50, 60), (255, 255, 255)))
    assert labels.shape == (60, 50)
    assert (labels[6:44, 11:39] == PART).all()
    assert np.count_nonzero(labels) == 40 * 30


def test_only_known_programs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALLOW_TORCHSCRIPT", raising=False)
    file = scripted(ByName(), tmp_path / "densepose.torchscript")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(WeightsError, match=rf"sha256 {digest}\): set ALLOW_TORCHSCRIPT=1"):
        ScriptedDensePose(file)
    monkeypatch.setattr(torchscript, "KNOWN", {digest: "ours"})
    assert ScriptedDensePose(file).labels(Image.new("RGB", (50, 60), (9, 9, 9))).any()


def test_what_is_no_program_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_TORCHSCRIPT", "1")
    file = tmp_path / "densepose.torchscript"
    file.write_bytes(b"no program")
    with pytest.raises(WeightsError, match="cannot be read as a TorchScript"):
        ScriptedDensePose(file)
    file.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(WeightsError, match="is a Git LFS pointer"):
        ScriptedDensePose(file)


def test_roi_align_in_its_first_form_is_what_our_own_network_uses() -> None:
    features = torch.randn((2, 3, 12, 14), generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[2.0, 3.0, 30.0, 40.0], [-9.0, 4.0, 5.0, 9.0], [50.0, 40.0, 70.0, 60.0]])
    rois = torch.cat([torch.ones(3, 1), boxes], 1)
    found = roi_align(features, rois, 0.25, 5, 5, 2, aligned=False)
    torch.testing.assert_close(found, looked_into(features[1], boxes, 0.25, 5, 2))
    assert roi_align(features, rois[:0], 0.25, 5, 5, 2, aligned=True).shape == (0, 3, 5, 5)


@pytest.mark.parametrize("samples", [0, 3])
def test_roi_align_of_a_ramp_is_the_ramp_at_the_cells_middles(samples: int) -> None:
    """Aligned, a pixel's value lies at its middle; means of a linear picture are its values."""
    ramp = torch.arange(32.0).expand(1, 1, 24, 32).contiguous()
    roi = torch.tensor([[0.0, 8.0, 4.0, 20.0, 16.0]])
    (found,) = roi_align(ramp, roi, 1.0, 2, 4, samples, aligned=True)
    torch.testing.assert_close(found[0, 0], torch.tensor([9.5, 12.5, 15.5, 18.5]) - 0.5)
    assert found.shape == (1, 2, 4)
