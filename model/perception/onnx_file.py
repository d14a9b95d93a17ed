"""Opening ONNX files that carry their own instructions in `metadata_props`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, PositiveFloat, ValidationError

from model.errors import WeightsError

Provider = str | tuple[str, dict[str, Any]]
P = TypeVar("P", bound=BaseModel)


def _numbers(text: object) -> object:
    return text.split(",") if isinstance(text, str) else text


# Written "0.406, 0.456, 0.485".
Three = Annotated[tuple[float, float, float], BeforeValidator(_numbers)]
ThreePositive = Annotated[tuple[PositiveFloat, PositiveFloat, PositiveFloat], BeforeValidator(_numbers)]


def open_session(file: Path, providers: Sequence[Provider]) -> Any:
    """An onnxruntime session.

    Args:
        providers: of onnxruntime, the preferred one first.

    Raises:
        WeightsError: the file cannot be read.
    """
    import onnxruntime  # only those who look at photos pay for it

    try:
        return onnxruntime.InferenceSession(file, providers=list(providers))
    except Exception as error:  # onnxruntime has a dozen kinds, unrelated to each other
        raise WeightsError(f"{file}: {str(error).splitlines()[0]}") from error


def read_preparation(file: Path, session: Any, kind: type[P]) -> P:
    """The file's metadata.

    Raises:
        WeightsError: it is not what `kind` says.
    """
    try:
        return kind.model_validate(session.get_modelmeta().custom_metadata_map)
    except ValidationError as error:
        first = error.errors()[0]
        raise WeightsError(f"{file}: metadata {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
