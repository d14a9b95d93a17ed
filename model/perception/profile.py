"""How a perception network wants to be asked: one description for parsers, mattes and poses.

A file is described by its ONNX metadata; without any, by a sidecar beside it, `NAME.json` for `NAME.onnx`, with the
same keys; without one, by a built-in profile (`builtin_profiles.py`); at last by the convention of its kind, if that
has one. Keys, all optional where the convention has a value:

    geometry        "stretch": resized to the input whatever the aspect; or "affine": warped about its centre so that
                    its longer side fills the square input, black beside it, as SCHP was trained
    size            height, width of the input, "512, 512": needed where the file leaves them open
    channel_order   "RGB" or "BGR": of the input's three channels
    mean, std       three numbers each, "0.485, 0.456, 0.406", in the order of the channels:
                    input = (level / 255 - mean) / std
    resize          "bilinear", "lanczos" (both antialiased), "area", or "linear" (bilinear without antialiasing)
    layout          "nchw" or "nhwc"
    output          index (from the end if negative) or name of the output to use
    activation      "sigmoid": the output is logits, and a sigmoid makes shares of it; "none": it is used as it is
    labels          "atr", "lip", "densepose" or "fashn": what the classes are called
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PositiveFloat, PositiveInt, ValidationError

from model.errors import WeightsError

LabelNames = Literal["atr", "lip", "densepose", "fashn"]
Resize = Literal["bilinear", "area", "lanczos", "linear"]


def _numbers(text: object) -> object:
    return text.split(",") if isinstance(text, str) else text


def _index_or_name(text: object) -> object:
    return int(text) if isinstance(text, str) and text.removeprefix("-").isdecimal() else text


# Written "0.406, 0.456, 0.485" in metadata, as a list in JSON.
Three = Annotated[tuple[float, float, float], BeforeValidator(_numbers)]
ThreePositive = Annotated[tuple[PositiveFloat, PositiveFloat, PositiveFloat], BeforeValidator(_numbers)]
HeightWidth = Annotated[tuple[PositiveInt, PositiveInt], BeforeValidator(_numbers)]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of red, green and blue


class Profile(BaseModel):
    """See the module's text for what each field means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    geometry: Literal["affine", "stretch"] = "stretch"
    size: HeightWidth | None = None
    channel_order: Literal["RGB", "BGR"] = "RGB"
    mean: Three = IMAGENET_MEAN
    std: ThreePositive = IMAGENET_STD
    resize: Resize = "bilinear"
    layout: Literal["nchw", "nhwc"] = "nchw"
    output: Annotated[int | str, BeforeValidator(_index_or_name)] = 0
    activation: Literal["none", "sigmoid"] = "none"
    labels: LabelNames | None = None


def stated(file: Path, metadata: dict[str, str], convention: Profile, required: Collection[str]) -> tuple[Profile, str]:
    """What the file's metadata or its sidecar says, over what the convention has, and who said it.

    Args:
        required: fields that whoever describes the file must name.

    Raises:
        WeightsError: it cannot be read or names a field wrongly.
        LookupError: neither says anything.
    """
    if given := {key: value for key, value in metadata.items() if key in Profile.model_fields}:
        return _validated(file, "metadata", given, convention, required), "its metadata"
    sidecar = file.with_suffix(".json")
    if not sidecar.is_file():
        raise LookupError(file.name)
    try:
        content: dict[str, object] = _Sidecar.model_validate_json(sidecar.read_bytes()).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise WeightsError(f"{sidecar}: {_first(error)}") from error
    return _validated(sidecar, "key", content, convention, required), sidecar.name


class _Sidecar(BaseModel):
    model_config = ConfigDict(extra="allow")


def _validated(
    file: Path, what: str, given: Mapping[str, object], convention: Profile, required: Collection[str]
) -> Profile:
    for name in required:
        if name not in given:
            raise WeightsError(f"{file}: {what} {name}: Field required")
    try:
        return Profile.model_validate({**convention.model_dump(exclude_defaults=True), **given})
    except ValidationError as error:
        raise WeightsError(f"{file}: {what} {_first(error)}") from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
