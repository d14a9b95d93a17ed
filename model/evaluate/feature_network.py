"""The network whose features FID and KID compare, read from a file of the user.

Two kinds of file are understood:

    .onnx       one float32 input (N, 3, 299, 299), RGB levels 0..255; the first output is (N, F)
    TorchScript the same; or, if it has a submodule `layers`, the published conversion of the original Inception v3,
                whose `layers` take (level - 128) / 128: what the field's numbers are made with

Pictures are prepared as by Parmar et al., "On Aliased Resizing and Surprising Subtleties in GAN Evaluation", 2022: each
channel is resized to 299 x 299 by Pillow's bicubic filter in floating point, without rounding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from model.errors import InputError, WeightsError
from model.perception.onnx_file import open_session

SIDE = 299  # pixels: what Inception sees
_BATCH = 32  # pictures


class FeatureNetwork:
    """Pictures to features.

    Args:
        file: see above.
        device: where TorchScript runs; ONNX runs on the CPU.

    Raises:
        WeightsError: the file cannot be read.
    """

    def __init__(self, file: Path, device: torch.device) -> None:
        self.file = file
        self.device = device
        self._network = _session(file) if file.suffix == ".onnx" else _script(file, device)

    def __call__(self, levels: Tensor) -> Tensor:
        """(N, 3, 299, 299) float32, 0..255, to (N, F) float32 on the CPU.

        Raises:
            WeightsError: the file gives something else.
        """
        features = self._network(levels)
        if features.ndim != 2 or len(features) != len(levels):
            raise WeightsError(f"{self.file} gives {tuple(features.shape)} for {len(levels)} pictures, expected (N, F)")
        return features

    def of_pictures(self, pictures: Iterable[Image.Image]) -> Tensor:
        """(N, F), one row an RGB picture. They are taken one after the other, and few are kept.

        Raises:
            InputError: there is none.
            WeightsError: the network's file gives something else than features.
        """
        waiting: list[Tensor] = []
        features: list[Tensor] = []
        for picture in pictures:
            waiting.append(prepared(picture))
            if len(waiting) == _BATCH:
                features.append(self(torch.stack(waiting)))
                waiting.clear()
        if waiting:
            features.append(self(torch.stack(waiting)))
        if not features:
            raise InputError("there is no picture to look at", field="results")
        return torch.cat(features)


def prepared(picture: Image.Image) -> Tensor:
    """(3, 299, 299) float32, levels 0..255 of an RGB picture."""
    channels = [
        np.asarray(Image.fromarray(channel).resize((SIDE, SIDE), Resampling.BICUBIC))
        for channel in np.asarray(picture, dtype=np.float32).transpose(2, 0, 1)
    ]
    return torch.from_numpy(np.stack(channels).clip(0, 255))


def _session(file: Path) -> Callable[[Tensor], Tensor]:
    session = open_session(file, ["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda levels: torch.from_numpy(session.run(None, {name: levels.numpy()})[0])


def _script(file: Path, device: torch.device) -> Callable[[Tensor], Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer torch would rather have another format
        try:
            module = torch.jit.load(file, map_location=device).eval()  # type: ignore[no-untyped-call, unused-ignore]
        except (RuntimeError, ValueError) as error:  # not such a file; no such file
            raise WeightsError(f"{file}: {str(error).splitlines()[0]}") from error

    @torch.inference_mode()
    def features(levels: Tensor) -> Tensor:
        levels = levels.to(device)
        inner = getattr(module, "layers", None)
        seen: Tensor = module(levels) if inner is None else inner((levels - 128) / 128).flatten(1)
        return seen.float().cpu()

    return features
