"""What every request has in common. Imported by the front process, so: pydantic, never torch."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from typing_extensions import TypeAliasType

from model.codes import Codes

MAX_FOLDER_FILES = 64  # of an input that is a folder
_WEEK_S = 7 * 24 * 3600  # S3 signs for no longer
PictureFormat = Literal["png", "jpeg", "webp"]
ID_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"

# A type with a name: the OpenAPI document tells by it which fields are pictures.
ImageRef = TypeAliasType(
    "ImageRef",
    Annotated[
        str,
        Field(
            min_length=1,
            description="A picture: `s3://`, `https://`, `catalogue:`, a `data:` URI or bare base64 "
            "(`file://` only where the operator allows it).",
        ),
    ],
)
FileRef = TypeAliasType(
    "FileRef",
    Annotated[
        str,
        Field(
            min_length=1,
            description="A file that is no picture: like a picture, or `job:ID`, the file that a job has made.",
        ),
    ],
)


def listed(value: object) -> object:
    """A form with one part of a name has no list."""
    return [value] if isinstance(value, str) else value


def whole_number(value: object) -> object:
    """A form's numbers are text, which a choice of numbers does not take."""
    return int(value) if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal() else value


def random_seed() -> int:
    return secrets.randbelow(2**32)


class Output(BaseModel):
    """Where results go and in which format."""

    model_config = ConfigDict(extra="forbid")

    prefix: str | None = Field(None, description="`s3://bucket/key/` to store under; default `OUTPUT_PREFIX`.")
    format: PictureFormat = "png"
    quality: int | None = Field(
        None, ge=1, le=100, description="Of JPEG and WebP; default 95, with `userId` 75. PNG loses nothing."
    )
    inline: bool = Field(False, description="Answer with the bytes and store nothing.")
    presign_s: int | None = Field(
        None,
        ge=1,
        le=_WEEK_S,
        description="Of results in S3: the answer also has addresses that anybody may read them at, for so long.",
    )


class Request(BaseModel):
    """Base of the engines' requests. Unknown fields are refused.

    `Request.model_validate(body, context=defaults)` takes what `body` leaves out from the pack's `defaults`.
    """

    model_config = ConfigDict(extra="forbid")

    # Body fields any one of which says, without a `type`, that the request is for this engine.
    telling_fields: ClassVar[frozenset[str]]
    # Body fields any one of which asks for this engine before others of its type: names of other containers' clients.
    asking_fields: ClassVar[frozenset[str]] = frozenset()
    # The stages that make up nearly all of `work()`, in order and about as long as each other: from their progress the
    # front foresees the end.
    heavy_stages: ClassVar[tuple[str, ...]]
    # What the main output can be: `Accept` may ask for its bytes.
    media_types: ClassVar[tuple[str, ...]]
    # What a job can be refused for beside `CommonCode`. A worker's word of another one is a bug.
    codes: ClassVar[Codes]
    # Fields that name an engine of another type, which does a part of it, and that type. Where the body says nothing,
    # the default one of the type does.
    helped_by: ClassVar[Mapping[str, str]] = {}
    # Inputs that are no pictures: the name of the input, or of the list it is in, and of the file a `job:` has of it.
    plain_files: ClassVar[Mapping[str, str]] = {}
    # Of an engine with several tasks: the fields that are not for all of them, by the value of `task`.
    tasks: ClassVar[Mapping[str, frozenset[str]]] = {}
    # Fields whose value is one of the variants that the weights have.
    variant_fields: ClassVar[tuple[str, ...]] = ()
    # What the values of `quality` stand for: the fields that each sets.
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {}

    type: str
    engine: str
    id: str | None = Field(None, pattern=ID_PATTERN, description="Idempotency key; default: random.")
    seed: int = Field(default_factory=random_seed, ge=0, lt=2**32, description="Random when absent; always echoed.")
    output: Output = Field(default_factory=Output)
    webhook: str | None = Field(
        None, min_length=1, max_length=2048, description="An https address that is told when the job ends."
    )
    deadline_s: float | None = Field(None, gt=0, le=3600, description="Give up after this many seconds.")

    @model_validator(mode="before")
    @classmethod
    def _take_defaults(cls, body: object, info: ValidationInfo) -> object:
        if not isinstance(body, dict):
            return body
        defaults = info.context or {}
        return {**defaults, **cls.preset(body, defaults), **body}

    @classmethod
    def preset(cls, body: Mapping[str, object], defaults: Mapping[str, object]) -> Mapping[str, object]:
        """What a preset that `body` names sets in place of the pack's `defaults`. `body` is not validated yet."""
        return {}

    def settings(self) -> dict[str, object]:
        """What the answer says of how it was computed: fields that a preset or a pack may have set."""
        return {}

    def engines(self) -> list[str]:
        """All that work on it, its own first."""
        return list(dict.fromkeys([self.engine, *(name for _, name, _ in self.parts_of_others())]))

    def parts_of_others(self) -> list[tuple[str, str, dict[str, object]]]:
        """What other engines do of it: the place of each part, the engine, and the body that asks for it."""
        return []

    @abstractmethod
    def inputs(self) -> Mapping[str, str]:
        """The pictures to fetch: input name (as in `garments.upper`) -> its reference.

        A name that ends in "/" is a folder's: each picture under its reference becomes an input, `name.0` and so on.
        """

    def emptied(self) -> Self:
        """A copy with every reference replaced by "fetched": it is written to disk and holds no picture."""
        copy = self.model_copy(deep=True)
        for name in self.inputs():
            *parents, leaf = name.removesuffix("/").split(".")
            holder: object = copy
            for parent in parents:
                holder = _member(holder, parent)
            if isinstance(holder, list):
                holder[int(leaf)] = "fetched"
            else:
                setattr(holder, leaf, "fetched")
        return copy

    @abstractmethod
    def work(self) -> float:
        """Rough device cost, in any unit that is proportional to time within this engine."""


def _member(holder: object, name: str) -> object:
    return holder[int(name)] if isinstance(holder, list) else getattr(holder, name)
