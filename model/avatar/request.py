"""What every avatar engine takes; each adds its own. Imported by the front process, so: pydantic, never torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from model import request
from model.avatar.codes import AvatarCode
from model.avatar.vrm import VrmMeta
from model.codes import Codes
from model.request import MAX_FOLDER_FILES, FileRef, ImageRef, listed, whole_number
from model.tryon.codes import TryOnCode
from model.tryon.request import Category, Layer

MAX_PHOTOS = MAX_FOLDER_FILES
MAX_LODS = 4  # each with a tenth of the triangles of the one before, they reach from the most allowed to the fewest

Stage = Literal["photos", "features", "shape", "poses", "weights", "rgb", "normals", "mesh", "colour", "export"]
AvatarFormat = Literal["glb", "obj", "ply", "usdz", "vrm"]

ClipName = Literal["idle", "walk"]

# In the order of the paper. Each needs what those before it have made, and nothing else.
STAGES: tuple[Stage, ...] = (
    *("photos", "features", "shape", "poses", "weights"),
    *("rgb", "normals", "mesh", "colour", "export"),
)


class AvatarRequest(request.Request):
    """Make a 3D avatar: loose photos of one person in, a rigged, textured GLB out."""

    telling_fields: ClassVar[frozenset[str]] = frozenset({"photos", "photos_prefix", "avatar"})
    media_types: ClassVar[tuple[str, ...]] = ("model/gltf-binary",)
    codes: ClassVar[Codes] = (AvatarCode, TryOnCode)
    helped_by: ClassVar[Mapping[str, str]] = {"dressed_by": "tryon"}
    plain_files: ClassVar[Mapping[str, str]] = {"avatar": "avatar.npz"}

    type: Literal["avatar"] = "avatar"
    photos: Annotated[list[ImageRef], BeforeValidator(listed)] | None = Field(
        None, min_length=1, max_length=MAX_PHOTOS, description="Of one person, from any side, in the same clothes."
    )
    photos_prefix: str | None = Field(
        None,
        min_length=1,
        description=f"Instead of `photos`: `s3://bucket/key/`, all pictures under it, at most {MAX_PHOTOS}.",
    )

    avatar: FileRef | None = Field(
        None,
        description="Instead of `photos`: an earlier avatar, as `avatar.npz` or `job:ID` of a job with `keep`. Person "
        "and shape stay what they were.",
    )
    keep: bool = Field(False, description="Also `avatar.npz`, which another request can take as `avatar`.")

    garment: ImageRef | None = Field(
        None, description="Dresses the person anew: each photo is put through a try-on with it first."
    )
    category: Category = Field("upper", description="What kind of `garment` it is.")
    layers: list[Layer] | None = Field(
        None, min_length=2, max_length=4, description="Instead of `garment`: an outfit, put on in this order."
    )
    dressed_by: str | None = Field(
        None, description="Which try-on engine dresses the photos; absent: the one that answers try-ons."
    )

    mesh_size: int = Field(1024, ge=64, le=2048, description="Pixels a side the mesh is compared with the normals at.")
    iterations: int = Field(700, ge=1, le=2000, description="Of the mesh.")

    body_only: bool = Field(False, description="Only the shaped body, without clothes, hair and colours.")
    texture: Literal["atlas", "vertex"] = Field("atlas", description="A baked picture, or colours of the vertices.")
    texture_size: Annotated[Literal[256, 512, 1024, 2048], BeforeValidator(whole_number)] = Field(
        1024, description="Pixels a side of the atlas."
    )
    texture_format: Literal["png", "webp"] = Field(
        "png", description="Of the atlas in GLBs. `webp` is smaller, and comes with a JPEG for whoever cannot read it."
    )
    faces: int = Field(60_000, ge=1_000, le=500_000, description="Most triangles of the result.")
    lods: list[Annotated[int, Field(ge=500, le=500_000)]] | None = Field(
        None,
        min_length=1,
        max_length=MAX_LODS,
        description="Instead of `faces`: most triangles of each level of detail, the finest first. `avatar.glb` is "
        "that; the others are `avatar_lod1.glb` and so on, all painted by the same atlas.",
    )
    compression: Literal["none", "draco"] = Field("none", description="Of the triangles in GLBs.")
    pose: Literal["a", "t"] = Field("a", description="In which the person stands and is bound. A VRM is always in `t`.")
    clips: Annotated[list[ClipName], BeforeValidator(listed)] = Field(
        [], description="Animations in the GLBs: breathing, walking on the spot. They need the skeleton."
    )
    vrm: VrmMeta = Field(default_factory=VrmMeta, description="Name and licence that a `vrm` among `formats` says.")
    formats: Annotated[list[AvatarFormat], BeforeValidator(listed)] = Field(
        ["glb"], min_length=1, description="`model/gltf-binary` is always among them."
    )
    parts: bool = Field(
        False,
        description="Body, hair, shoes and each garment as meshes of their own in `avatar.glb`; also `clothes.glb` and "
        "`clothes_front.png`, `clothes_back.png`: the clothes alone. Not with `body_only`.",
    )
    turntable: bool = Field(False, description="Also `turntable.mp4` and `.webm`, a full circle, and eight pictures.")
    stages: Annotated[list[Stage], BeforeValidator(listed)] = Field([], description="Also what these stages have made.")

    @field_validator("lods")
    @classmethod
    def _finest_first(cls, lods: list[int] | None) -> list[int] | None:
        if lods is not None and sorted(set(lods), reverse=True) != lods:
            raise ValueError("'lods' go from the most triangles to the fewest, each fewer than the one before")
        return lods

    @field_validator("clips")
    @classmethod
    def _each_clip_once(cls, clips: list[ClipName]) -> list[ClipName]:
        return list(dict.fromkeys(clips))

    @field_validator("formats")
    @classmethod
    def _always_a_glb(cls, formats: list[AvatarFormat]) -> list[AvatarFormat]:
        return ["glb", *dict.fromkeys(name for name in formats if name != "glb")]

    @model_validator(mode="after")
    def _photos_come_one_way(self) -> Self:
        if sum(given is not None for given in (self.photos, self.photos_prefix, self.avatar)) != 1:
            raise ValueError("give either 'photos' or 'photos_prefix', or an 'avatar'")
        return self

    @model_validator(mode="after")
    def _triangles_are_counted_once(self) -> Self:
        if self.lods is not None and {"faces", "lods"} <= self.model_fields_set and self.faces != self.lods[0]:
            raise ValueError("give either 'faces' or 'lods'")
        return self

    @model_validator(mode="after")
    def _a_bare_body_has_no_parts(self) -> Self:
        if self.parts and self.body_only:
            raise ValueError("'parts' is of the dressed person: not with 'body_only'")
        return self

    @model_validator(mode="after")
    def _clothes_come_one_way(self) -> Self:
        if self.garment is not None and self.layers is not None:
            raise ValueError("give either 'garment' or 'layers'")
        if self.is_dressed and self.dressed_by is None:
            raise ValueError("no try-on engine is there to dress the photos: give no 'garment' and no 'layers'")
        return self

    @property
    def is_dressed(self) -> bool:
        """Whether the person gets other clothes than those in the photos."""
        return self.garment is not None or self.layers is not None

    def tryon(self) -> dict[str, object]:
        """The body of the try-on that each photo goes through."""
        clothes: dict[str, object] = {"garment": "given", "category": self.category}
        if self.layers is not None:
            clothes = {"layers": [layer.model_dump() | {"garment": "given"} for layer in self.layers]}
        return {"person": "given", "seed": self.seed, "output": {"keep_alpha": True}, **clothes}

    def parts_of_others(self) -> list[tuple[str, str, dict[str, object]]]:
        if not self.is_dressed or self.dressed_by is None:
            return []
        others: list[tuple[str, str, dict[str, object]]] = [
            (f"layers.{i}", layer.engine, {"person": "before", "garment": "given", "category": layer.category})
            for i, layer in enumerate(self.layers or [])
            if layer.engine not in (None, self.dressed_by)
        ]
        return [("dressed_by", self.dressed_by, self.tryon()), *others]

    def settings(self) -> dict[str, object]:
        return {"dressed_by": self.dressed_by} if self.is_dressed else {}

    @property
    def most_faces(self) -> int:
        """Of `avatar.glb`."""
        return self.faces if self.lods is None else self.lods[0]

    @property
    def needs_rig(self) -> bool:
        """Whether something is asked for that cannot be without a skeleton."""
        return bool(self.clips) or "vrm" in self.formats

    @property
    def most_photos(self) -> int:
        """As many as there can be: of a folder or an avatar nobody knows until it is read."""
        return MAX_PHOTOS if self.photos is None else len(self.photos)

    def inputs(self) -> Mapping[str, str]:
        clothes = {f"layers.{i}.garment": layer.garment for i, layer in enumerate(self.layers or [])}
        if self.garment is not None:
            clothes["garment"] = self.garment
        if self.avatar is not None:
            return {"avatar": self.avatar} | clothes
        if self.photos_prefix is not None:
            return {"photos_prefix/": self.photos_prefix} | clothes
        return {f"photos.{i}": photo for i, photo in enumerate(self.photos or [])} | clothes
