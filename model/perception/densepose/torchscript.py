"""DensePose as others have exported it: a TorchScript from a picture to boxes and what is in them.

A TorchScript is a program. Only files known by their sha256 are run, or any where the environment says
`ALLOW_TORCHSCRIPT=1`. The two operators of torchvision that such exports ask for are declared here, so that torchvision
need not be there. The known export is of another, slightly better training than the published masker's, so labels are
not the same everywhere.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch import library as operators

from model.errors import WeightsError
from model.perception.densepose.boxes import roi_align, without_doubles
from model.perception.densepose.network import pasted
from model.perception.onnx_file import refuse_lfs_pointer

Labels = NDArray[np.uint8]

KNOWN = {"4f7260daa498ce8d4b4679f0692ef2f1f426e39121a907181eab37b8b0585878": "densepose_r50_fpn_dl.torchscript"}
ALLOWING = "ALLOW_TORCHSCRIPT"

_LEAST_SCORE = 0.8  # of those exports that give scores
_declared: list[operators.Library] = []


class ScriptedDensePose:
    """Two kinds of exports: with results in a tuple (boxes, coarse, fine, u, v), the surest person first, or by name.

    Raises:
        WeightsError: the file is not a known one and others are not allowed, or cannot be read.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        refuse_lfs_pointer(file)
        _refuse_unknown(file)
        declare_operators()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch would rather have another format
                self._program: Any = torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise WeightsError(f"{file}: cannot be read as a TorchScript ({str(error).splitlines()[0]})") from error

    @torch.inference_mode()
    def labels(self, picture: Image.Image) -> Labels:
        """The part, 1..24, of each pixel of an RGB picture that shows the surest person; 0 elsewhere."""
        seen = torch.from_numpy(np.array(picture, np.uint8)).permute(2, 0, 1).contiguous()
        boxes, coarse, fine = self._results(self._program(seen))
        if not len(boxes):
            return np.zeros((picture.height, picture.width), np.uint8)
        return pasted(coarse[0].float(), fine[0].float(), boxes[0].float(), picture.size)

    def _results(self, answer: Any) -> tuple[Tensor, Tensor, Tensor]:
        match answer:
            case {"pred_boxes": boxes, "pred_densepose_coarse_segm": coarse, "pred_densepose_fine_segm": fine, **rest}:
                scores = rest.get("scores")
                sure = scores > _LEAST_SCORE if isinstance(scores, Tensor) else slice(None)
                return boxes[sure], coarse[sure], fine[sure]
            case [Tensor() as boxes, Tensor() as coarse, Tensor() as fine, *_]:
                return boxes, coarse, fine
        raise WeightsError(f"{self._file}: answers with {type(answer).__name__}, not with boxes and what is in them")


def _refuse_unknown(file: Path) -> None:
    if os.environ.get(ALLOWING, "").lower() in ("1", "true"):
        return
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest not in KNOWN:
        raise WeightsError(
            f"{file}: is a program nobody here knows (sha256 {digest}): set {ALLOWING}=1 if you trust where it is from"
        )


def declare_operators() -> None:
    """`torchvision::nms` and `torchvision::roi_align`, unless torchvision itself is there to do so."""
    if _declared:
        return
    try:
        import_module("torchvision")
    except ImportError:
        library: Any = operators.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define(
            "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, "
            "int sampling_ratio, bool aligned) -> Tensor"
        )
        library.impl("nms", without_doubles, "CPU")
        library.impl("roi_align", _roi_align, "CPU")
        _declared.append(library)  # what is declared goes with it


def _roi_align(
    features: Tensor, rois: Tensor, scale: float, height: int, width: int, samples: int, aligned: bool
) -> Tensor:
    return roi_align(features, rois, scale, height, width, samples, aligned=aligned)
