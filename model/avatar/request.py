"""What every avatar engine takes; each adds its own. Imported by the front process, so: pydantic, never torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from model import request
from model.avatar.codes import AvatarCode
from model.codes import Codes
from model.request import MAX_FOLDER_FILES, ImageRef

MAX_PHOTOS = MAX_FOLDER_FILES

Stage = Literal["photos", "features", "shape", "poses", "weights", "rgb", "normals", "mesh", "colour", "export"]
Format = Literal["glb", "obj", "ply"]

# In the order of the paper. Each needs what those before it have made, and nothing else.
STAGES: tuple[Stage, ...] = (
    *("photos", "features", "shape", "poses", "weights"),
    *("rgb", "normals", "mesh", "colour", "export"),
)


def _listed(value: object) -> object:
    """A form with one part of a name has no list."""
    return [value] if isinstance(value, str) else value


class AvatarRequest(request.Request):
    """Make a 3D avatar: loose photos of one person in, a rigged, textured GLB out."""

    telling_fields: ClassVar[frozenset[str]] = frozenset({"photos", "photos_prefix"})
    media_types: ClassVar[tuple[str, ...]] = ("model/gltf-binary",)
    codes: ClassVar[Codes] = (AvatarCode,)

    type: Literal["avatar"] = "avatar"
    photos: Annotated[list[ImageRef], BeforeValidator(_listed)] | None = Field(
        None, min_length=1, max_length=MAX_PHOTOS, description="Of one person, from any side, in the same clothes."
    )
    photos_prefix: str | None = Field(
        None,
        min_length=1,
        description=f"Instead of `photos`: `s3://bucket/key/`, all pictures under it, at most {MAX_PHOTOS}.",
    )

    mesh_size: int = Field(1024, ge=64, le=2048, description="Pixels a side the mesh is compared with the normals at.")
    iterations: int = Field(700, ge=1, le=2000, description="Of the mesh.")

    body_only: bool = Field(False, description="Only the shaped body, without clothes, hair and colours.")
    texture: Literal["atlas", "vertex"] = Field("atlas", description="A baked picture, or colours of the vertices.")
    texture_size: Literal[1024, 2048] = Field(1024, description="Pixels a side of the atlas.")
    faces: int = Field(60_000, ge=1_000, le=500_000, description="Most triangles of the result.")
    formats: Annotated[list[Format], BeforeValidator(_listed)] = Field(
        ["glb"], min_length=1, description="`model/gltf-binary` is always among them."
    )
    turntable: bool = Field(False, description="Also `turntable.mp4` and `.webm`, a full circle, and eight pictures.")
    stages: Annotated[list[Stage], BeforeValidator(_listed)] = Field(
        [], description="Also what these stages have made."
    )

    @field_validator("formats")
    @classmethod
    def _always_a_glb(cls, formats: list[Format]) -> list[Format]:
        return ["glb", *dict.fromkeys(name for name in formats if name != "glb")]

    @model_validator(mode="after")
    def _photos_come_one_way(self) -> Self:
        if (self.photos is None) == (self.photos_prefix is None):
            raise ValueError("give either 'photos' or 'photos_prefix'")
        return self

    @property
    def most_photos(self) -> int:
        """As many as there can be: of a folder nobody knows until it is listed."""
        return MAX_PHOTOS if self.photos is None else len(self.photos)

    def inputs(self) -> Mapping[str, str]:
        if self.photos_prefix is not None:
            return {"photos_prefix/": self.photos_prefix}
        return {f"photos.{i}": photo for i, photo in enumerate(self.photos or [])}

    def without_inputs(self) -> dict[str, object]:
        body = self.model_dump(mode="json")
        if self.photos is not None:
            return body | {"photos": ["fetched"] * len(self.photos)}
        return body | {"photos_prefix": "fetched"}
