"""An ONNX network that looks at pictures, and how it is asked (`profile.py`); a `.tflite` file is one, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

from model.errors import WeightsError
from model.perception.builtin_profiles import Published, Signature, published
from model.perception.lite_session import LiteSession
from model.perception.profile import Profile, Resize, stated

Provider = str | tuple[str, dict[str, object]]
Floats = NDArray[np.float32]
RawPlane = NDArray[Any]  # (H, W) or (H, W, 3)

_ANTIALIASED = {"bilinear": Resampling.BILINEAR, "lanczos": Resampling.LANCZOS}
_LFS_POINTER = b"version https://git-lfs"


class ModelInfo(Protocol):
    """What a file says of itself."""

    custom_metadata_map: dict[str, str]


class TensorInfo(Protocol):
    """What a session says of an input or output."""

    name: str
    type: str
    shape: list[int | str | None]


class Session(Protocol):
    """What is used of an `onnxruntime.InferenceSession`."""

    def get_inputs(self) -> Sequence[TensorInfo]: ...

    def get_outputs(self) -> Sequence[TensorInfo]: ...

    def get_modelmeta(self) -> ModelInfo: ...

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Floats]) -> Sequence[Floats]: ...


def open_session(file: Path, providers: Sequence[Provider]) -> Session:
    """An onnxruntime session, or its like for a `.tflite` file, which knows no providers.

    Args:
        providers: of onnxruntime, the preferred one first.

    Raises:
        WeightsError: the file cannot be read.
    """
    refuse_lfs_pointer(file)
    if file.suffix == ".tflite":
        return LiteSession(file)
    import onnxruntime  # only those who look at photos pay for it

    try:
        session: Session = onnxruntime.InferenceSession(file, providers=list(providers))
        return session
    except Exception as error:  # onnxruntime has a dozen kinds, unrelated to each other
        raise WeightsError(f"{file}: {str(error).splitlines()[0]}") from error


def refuse_lfs_pointer(file: Path) -> None:
    """Raises:
    WeightsError: the file only says where Git LFS keeps the real one, as clones without LFS have it.
    """
    if not file.is_file():
        return
    with file.open("rb") as opened:
        if opened.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise WeightsError(f"{file}: is a Git LFS pointer, not the network itself: run 'git lfs pull', or fetch it")


class OnnxNetwork:
    """A network from one picture to some outputs, of which one is used.

    Args:
        file: the ONNX file.
        providers: of onnxruntime, the preferred one first.
        convention: what the file need not say of itself.
        required: what it must say of itself, unless it is a known file; with none, the convention is enough.

    Attributes:
        profile: how it is asked.
        described_by: where that was said.
        known: which published file it was taken for, where nothing else said it.
        width, height: of its input.

    Raises:
        WeightsError: the file cannot be read, or is not described, or not such a network.
    """

    def __init__(
        self, file: Path, providers: Sequence[Provider], convention: Profile, required: Collection[str] = ()
    ) -> None:
        self.file = file
        self.session = open_session(file, providers)
        self._input = self._the_input()
        self.known: Published | None = None
        self.profile, self.described_by = self._described(convention, required)
        self.height, self.width = self._size()
        self._output = self._the_output()

    def run(self, seen: RawPlane) -> Floats:
        """The output for `seen`, (height, width, 3) RGB levels, as the network gives it, without its first axis."""
        return self.run_all(seen, [self._output.name])[0]

    def run_all(self, seen: RawPlane, names: Sequence[str]) -> list[Floats]:
        """The same for several outputs."""
        answers = self.session.run(list(names), {self._input.name: network_input(seen, self.profile)})
        return [answer[0] for answer in answers]

    def stretched(self, picture: Image.Image) -> RawPlane:
        """An RGB picture at the input's size, (height, width, 3)."""
        return resized(picture, (self.width, self.height), self.profile.resize)

    @property
    def output_shape(self) -> list[int | str | None]:
        """As the file states it; names are sizes it leaves open."""
        return list(self._output.shape)

    def _the_input(self) -> TensorInfo:
        tensors = self.session.get_inputs()
        shape = tensors[0].shape
        if len(tensors) != 1 or tensors[0].type != "tensor(float)" or len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise self._unlike("one float tensor [1, 3, H, W]")
        return tensors[0]

    def _unlike(self, expected: str) -> WeightsError:
        tensor = self.session.get_inputs()[0]
        return WeightsError(f"{self.file}: the input is {tensor.type} {tensor.shape}, expected {expected}")

    def _described(self, convention: Profile, required: Collection[str]) -> tuple[Profile, str]:
        metadata = self.session.get_modelmeta().custom_metadata_map
        try:
            return stated(self.file, metadata, convention, required)
        except LookupError:
            outputs = [output.shape for output in self.session.get_outputs()]
            self.known = published(self.file, Signature(self._input.name, self._input.shape, outputs))
            if self.known is not None:
                return self.known.profile, f"built-in profile '{self.known.name}'"
            if not required:
                return convention, "the convention of such files"
        raise WeightsError(
            f"{self.file}: nothing says how it is asked: put {self.file.with_suffix('.json').name} beside it, with "
            f"{', '.join(required)}"
        )

    def _size(self) -> tuple[int, int]:
        whole = self._input.shape
        channels, shape = (whole[1], whole[2:]) if self.profile.layout == "nchw" else (whole[3], whole[1:3])
        if channels != 3:
            raise self._unlike("[1, 3, H, W]" if self.profile.layout == "nchw" else "[1, H, W, 3]")
        sides = []
        for side, told in zip(shape, self.profile.size or (None, None), strict=True):
            if not isinstance(side, int):
                side = told
            if side is None:
                raise WeightsError(f"{self.file}: the input's size {shape} is not fixed, and no 'size' is given")
            sides.append(side)
        height, width = sides
        if self.profile.geometry == "affine" and height != width:
            raise WeightsError(f"{self.file}: geometry 'affine' needs a square input, this one is {sides}")
        return height, width

    def _the_output(self) -> TensorInfo:
        outputs, wanted = self.session.get_outputs(), self.profile.output
        if isinstance(wanted, int):
            found = [outputs[wanted]] if -len(outputs) <= wanted < len(outputs) else []
        else:
            found = [output for output in outputs if output.name == wanted]
        if not found:
            names = ", ".join(output.name for output in outputs)
            raise WeightsError(f"{self.file}: there is no output {wanted!r}; there are {names}")
        return found[0]


def network_input(seen: RawPlane, profile: Profile) -> Floats:
    """RGB levels 0..255, (H, W, 3), normalised: (1, 3, H, W), or (1, H, W, 3) for the layout "nhwc"."""
    channels = seen if profile.channel_order == "RGB" else seen[..., ::-1]
    normal = (channels / 255 - np.array(profile.mean)) / np.array(profile.std)
    ordered = normal.transpose(2, 0, 1) if profile.layout == "nchw" else normal
    return np.ascontiguousarray(ordered[None], dtype=np.float32)


def resized(picture: Image.Image, size: tuple[int, int], how: Resize) -> RawPlane:
    """An RGB picture as (H, W, 3) levels. size: (width, height)."""
    if how in _ANTIALIASED:
        return np.asarray(picture.resize(size, _ANTIALIASED[how]))
    interpolation = cv2.INTER_AREA if how == "area" else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.asarray(picture), size, interpolation=interpolation))
