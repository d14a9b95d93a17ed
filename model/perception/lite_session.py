"""A TensorFlow Lite file, run by LiteRT and spoken to as ONNX files are (`onnx_file.Session`).

The runtime is the package ai-edge-litert, imported only where such a file is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.errors import WeightsError

Floats = NDArray[np.float32]


class Interpreter(Protocol):
    """What is used of LiteRT's."""

    def allocate_tensors(self) -> None: ...

    def get_input_details(self) -> list[dict[str, object]]: ...

    def get_output_details(self) -> list[dict[str, object]]: ...

    def set_tensor(self, tensor_index: int, value: Floats) -> None: ...

    def invoke(self) -> None: ...

    def get_tensor(self, tensor_index: int) -> Floats: ...


@dataclass
class LiteTensor:
    """An input or output as onnxruntime describes them. place: LiteRT's number for it."""

    name: str
    type: str
    shape: list[int | str | None]
    place: int


@dataclass
class LiteInfo:
    """Such files say nothing of how they are asked."""

    custom_metadata_map: dict[str, str] = field(default_factory=dict)


class LiteSession:
    """One file. May be asked from several threads, in turn, for the interpreter holds its tensors.

    Raises:
        WeightsError: it cannot be read, or the runtime is not installed.
    """

    def __init__(self, file: Path) -> None:
        self._interpreter = _opened(file)
        self._inputs = [_described(tensor) for tensor in self._interpreter.get_input_details()]
        self._outputs = [_described(tensor) for tensor in self._interpreter.get_output_details()]
        self._turn = Lock()

    def get_inputs(self) -> list[LiteTensor]:
        return self._inputs

    def get_outputs(self) -> list[LiteTensor]:
        return self._outputs

    def get_modelmeta(self) -> LiteInfo:
        return LiteInfo()

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Floats]) -> list[Floats]:
        wanted = [tensor for tensor in self._outputs if output_names is None or tensor.name in output_names]
        with self._turn:
            for tensor in self._inputs:
                self._interpreter.set_tensor(tensor.place, input_feed[tensor.name])
            self._interpreter.invoke()
            found = {tensor.name: self._interpreter.get_tensor(tensor.place) for tensor in wanted}  # copies
        return [found[name] for name in output_names or found]


def _opened(file: Path) -> Interpreter:
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        message = f"{file}: the package that runs .tflite files is not installed: pip install 'ai-edge-litert>=2,<3'"
        raise WeightsError(message) from error
    try:
        opened: Interpreter = interpreter.Interpreter(str(file))
        opened.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise WeightsError(f"{file}: {str(error).splitlines()[0]}") from error
    return opened


def _described(tensor: dict[str, object]) -> LiteTensor:
    kind = "float" if tensor["dtype"] is np.float32 else np.dtype(tensor["dtype"]).name  # type: ignore[call-overload]
    shape = [int(side) for side in np.asarray(tensor["shape"])]
    return LiteTensor(str(tensor["name"]), f"tensor({kind})", [*shape], int(str(tensor["index"])))
