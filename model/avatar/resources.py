"""What every avatar engine computes with beside its own networks, loaded once a worker and shared by all jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model.body.hands import Hands, hands
from model.body.smplx import BodyModel, read_body
from model.mesh.rasteriser import Rasteriser
from model.mesh.rasterisers import open_rasteriser
from model.perception.label_maps import onnx_providers
from model.perception.matting import Matting, open_matting
from model.runtime.device import Device
from model.weights.pack import Pack


@dataclass(frozen=True)
class Resources:
    """matting: cuts people out of photos; None where there is no file of one. notice: the body model's licence, as
    files that derive from it say. shapes_are_trained: whether a body's measurements say anything about the person.
    shape_errors: by how many metres they are off in the mean, where somebody measured it."""

    device: Device
    body: BodyModel
    hands: Hands
    rasteriser: Rasteriser
    matting: Matting | None
    notice: str
    shapes_are_trained: bool
    shape_errors: Mapping[str, float]

    @classmethod
    def read(
        cls,
        weights: Path,
        device: Device,
        *,
        shape: str,
        body: str,
        matting: str,
        hand_ids: str,
        landmark_ids: str,
        errors: str | None = None,
    ) -> Self:
        """From files named as under `weights`. Those of the hands may be absent; `shape` is the network of shapes.
        errors: JSON, measurement -> metres, which may be absent, too.

        Raises:
            WeightsError: a file is absent or not what it should be; ValueError: the rasteriser asked for is not there.
        """
        model = read_body(weights / body).to(device.torch_device)
        known = [file if (file := weights / name).is_file() else None for name in (hand_ids, landmark_ids)]
        pack = Pack(weights)
        licence = pack.facts(weights / body).licence or "unknown"
        return cls(
            device=device,
            body=model,
            hands=hands(model, *known),
            rasteriser=open_rasteriser(device.torch_device, device.config.rasteriser),
            matting=open_matting(weights / matting, onnx_providers(device)),
            notice=f"Skeleton and skin weights derive from a body model; its licence: {licence}",
            shapes_are_trained=not pack.facts(weights / shape).untrained,
            shape_errors=_errors(None if errors is None else weights / errors),
        )


def _errors(file: Path | None) -> Mapping[str, float]:
    if file is None or not file.is_file():
        return {}
    return {name: float(error) for name, error in json.loads(file.read_text()).items()}
