"""Both networks as one ONNX file, for onnxruntime, TensorRT and telephones."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from model.engines.warp.inputs import CELL, GARMENT, GEOMETRY, HEIGHT, PERSON, WIDTH
from model.engines.warp.network import Fields, WarpNetwork

INPUTS = ("geometry", "person", "garment")
OUTPUTS = ("flow", "logits", "shade", "painted")
_OPSET = 17  # the first with LayerNormalization; all runtimes of the last years read it


class _Answers(nn.Module):
    """What a picture is composed of, without what only training looks at."""

    def __init__(self, network: WarpNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, geometry: Tensor, person: Tensor, garment: Tensor) -> tuple[Tensor, ...]:
        fields: Fields = self.network(geometry, person, garment)
        return fields.flow, fields.logits, fields.shade, fields.painted


def write_onnx(network: WarpNetwork, file: Path) -> None:
    """Write the networks in float32: `INPUTS` in, `OUTPUTS` out, see `Inputs` and `Fields`; any number of rows."""
    sizes = (GEOMETRY, HEIGHT // CELL, WIDTH // CELL), (PERSON, HEIGHT, WIDTH), (GARMENT, HEIGHT, WIDTH)
    rows = tuple(torch.zeros((2, *size)) for size in sizes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing and of the exporter's own future
        torch.onnx.export(
            _Answers(network.float().cpu()).eval(),
            rows,
            str(file),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "rows"} for name in (*INPUTS, *OUTPUTS)},
            opset_version=_OPSET,
            dynamo=False,
        )
