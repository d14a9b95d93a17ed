"""SCHP's published checkpoints as ONNX files that say how they are asked."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from model.errors import InputError, WeightsError
from model.perception.builtin_profiles import SCHP_PROFILE
from model.perception.onnx_file import refuse_lfs_pointer
from model.perception.schp.network import SCHP, SIDES

_LABELS = {20: "lip", 18: "atr"}
_PREFIX = "module."
_COUNTER = "num_batches_tracked"
_OPSET = 17  # as in the project's other files: runtimes of the last years read it


def read_checkpoint(file: Path) -> SCHP:
    """The network of a published `.pth`; which of the two it is, its last layer says.

    The training code's norms multiply by the size of their weight; ours by the weight, as in the published try-on.

    Raises:
        WeightsError: it cannot be read, or lacks a tensor, or has one too many or of another shape.
    """
    refuse_lfs_pointer(file)
    try:
        content: dict[str, dict[str, Tensor]] = torch.load(file, map_location="cpu", weights_only=True)
        tensors = {name.removeprefix(_PREFIX): tensor for name, tensor in content["state_dict"].items()}
        classes = len(tensors["fushion.3.weight"])
        with torch.device("meta"):
            network = SCHP(classes)
        counters = {name: torch.tensor(0) for name in network.state_dict() if name.endswith(_COUNTER)}
        network.load_state_dict(tensors | counters, strict=True, assign=True)
    except Exception as error:  # unreadable files and wrong keys raise whatever they like
        raise WeightsError(f"{file}: is not SCHP's checkpoint ({str(error).splitlines()[0]})") from error
    if classes not in SIDES:
        raise WeightsError(f"{file}: tells {classes} classes apart, expected {' or '.join(map(str, SIDES))}")
    return network.eval()


def export(file: Path, out: Path) -> None:
    """Write a checkpoint as ONNX, with metadata.

    Raises:
        WeightsError: see `read_checkpoint`.
        InputError: the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise InputError(f"writing a parser needs the package onnx ({error})") from error
    network = read_checkpoint(file)
    classes = network.classes
    write(onnx, network, classes, SIDES[classes], out)


def write(onnx: ModuleType, network: SCHP, classes: int, side: int, out: Path) -> None:
    """Write the network for square pictures of `side` pixels."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's age; the newer one needs a package more
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, side, side),),
            str(out),
            input_names=["picture"],
            output_names=["logits"],
            opset_version=_OPSET,
            dynamo=False,
        )
    model = onnx.load(out)
    profile = SCHP_PROFILE.model_copy(update={"output": 0, "labels": _LABELS[classes]})
    onnx.helper.set_model_props(
        model,
        {
            "geometry": profile.geometry,
            "channel_order": profile.channel_order,
            "mean": ", ".join(map(str, profile.mean)),
            "std": ", ".join(map(str, profile.std)),
            "output": str(profile.output),
            "labels": _LABELS[classes],
        },
    )
    onnx.save(model, out)
