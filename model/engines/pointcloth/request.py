"""What point-based clothing takes. Imported by the front, so: pydantic, never torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from model import request
from model.codes import Codes
from model.engines.pointcloth.codes import OutfitCode
from model.request import MAX_FOLDER_FILES, FileRef, ImageRef

MAX_PHOTOS = MAX_FOLDER_FILES
JOINTS_IN_A_POSE = 55  # SMPL-X's

TaskName = Literal["fit", "wear", "mix"]
CloudFormat = Literal["ply", "glb"]
Number = Annotated[float, Field(ge=-10, le=10)]
VectorField = Annotated[list[Number], Field(min_length=3, max_length=3)]

_ITERATED = frozenset({"visibility_thr", "coarse_iterations", "fine_iterations", "appearance_iterations"})
_FIT, _WEAR, _MIX = (
    frozenset({"photos", "masks", "bodies", "clothes", "appearance", "fit_film"}) | _ITERATED,
    frozenset({"outfit", "outfit_name", "person", "body", "betas", "pose"}),
    frozenset({"outfit", "outfit_name", "other", "other_name", "share", "walk", "body", "betas", "pose"}),
)
_OF_TASKS: Mapping[str, frozenset[str]] = {"fit": _FIT, "wear": _WEAR, "mix": _MIX}
_ITERATION, _PHOTO, _FRAME = 1.0, 5.0, 0.3  # of work: a code's iteration, looking at a photo, a picture of a film


def _listed(value: object) -> object:
    """A form with one part of a name has no list."""
    return [value] if isinstance(value, str) else value


class Request(request.Request):
    """Take the clothes of a photo as a cloud of points, put such an outfit on another body, or mix two."""

    telling_fields: ClassVar[frozenset[str]] = frozenset({"outfit", "outfit_name", "visibility_thr"})
    heavy_stages: ClassVar[tuple[str, ...]] = ("coarse", "fine")
    media_types: ClassVar[tuple[str, ...]] = ("model/gltf-binary", "image/png")
    codes: ClassVar[Codes] = (OutfitCode,)
    tasks: ClassVar[Mapping[str, frozenset[str]]] = _OF_TASKS
    variant_fields: ClassVar[tuple[str, ...]] = ("outfit_name", "other_name")
    plain_files: ClassVar[Mapping[str, str]] = {
        "outfit": "outfit.npz",
        "other": "outfit.npz",
        "body": "body.json",
        "bodies": "body.json",
    }

    type: Literal["outfit"] = "outfit"
    engine: Literal["pointcloth"] = "pointcloth"
    task: TaskName = Field("fit", description="`fit` an outfit to photos, `wear` one, or `mix` two.")

    photos: Annotated[list[ImageRef], BeforeValidator(_listed)] | None = Field(
        None,
        min_length=1,
        max_length=MAX_PHOTOS,
        description="To fit: one person in one outfit. The first gives the cut, all give the colours.",
    )
    masks: Annotated[list[ImageRef], BeforeValidator(_listed)] | None = Field(
        None, min_length=1, max_length=MAX_PHOTOS, description="Of `photos`, bright where the clothes are; else found."
    )
    bodies: Annotated[list[FileRef], BeforeValidator(_listed)] | None = Field(
        None, min_length=1, max_length=MAX_PHOTOS, description="Of `photos`: `body.json` with a pose; else found."
    )
    clothes: Literal["all", "upper", "lower", "dress"] = Field(
        "all", description="Which clothes are fitted, where `masks` do not say."
    )
    appearance: Literal["colours", "network", "none"] = Field(
        "colours", description="What is learned of the looks: a colour a point, descriptors and a network, or nothing."
    )
    appearance_iterations: int = Field(200, ge=1, le=20_000, description="Of that network.")
    fit_film: bool = Field(False, description="Also `fit.webm`: how the outfit was found.")

    outfit: FileRef | None = Field(
        None, description="To wear or mix: `outfit.npz`, or `job:ID` of a job that has made one."
    )
    outfit_name: str | None = Field(None, min_length=1, max_length=64, description="Instead: one that is built in.")
    other: FileRef | None = Field(None, description="To mix with: as `outfit`.")
    other_name: str | None = Field(None, min_length=1, max_length=64, description="To mix with: as `outfit_name`.")
    share: float = Field(0.5, ge=0, le=1, description="Of the other outfit in a mix.")
    walk: bool = Field(False, description="Also `walk.webm`: from one outfit to the other.")

    person: ImageRef | None = Field(None, description="Who is to wear it: a photo, which comes back so.")
    body: FileRef | None = Field(
        None, description="Who is to wear it: `body.json`, or `job:ID` of an avatar. With `person`: that person's body."
    )
    betas: Annotated[list[Number], Field(max_length=10)] | None = Field(None, description="Or its shape.")
    pose: dict[str, VectorField] | None = Field(
        None, max_length=JOINTS_IN_A_POSE, description="Joint -> axis times angle, radians, of the body in `betas`."
    )

    visibility_thr: float = Field(
        1e-3, gt=0, le=1, description="How far behind the skin a point counts as seen, in tens of metres."
    )
    coarse_iterations: int = Field(100, ge=1, le=1000, description="Of four codes at once.")
    fine_iterations: int = Field(100, ge=1, le=1000, description="Of one code, from their mean.")
    focal: float = Field(5000.0, gt=0, le=1e5, description="Of the camera, pixels; published bodies have 5000.")
    points: int | None = Field(None, ge=16, le=16384, description="Of the outfit; default: all that the weights have.")

    formats: Annotated[list[CloudFormat], BeforeValidator(_listed)] = Field(
        ["ply", "glb"], min_length=1, description="Of the cloud, beside `outfit.npz`."
    )
    surface: Literal["discs", "mesh"] = Field("discs", description="Of the GLB: a disc a point, or one closed surface.")
    turntable: bool = Field(False, description="Also `turntable.webm`: the outfit turning once.")
    size: int = Field(512, ge=64, le=2048, description="Pixels a side of pictures.")

    @field_validator("formats")
    @classmethod
    def _once_each(cls, formats: list[CloudFormat]) -> list[CloudFormat]:
        return list(dict.fromkeys(formats))

    @model_validator(mode="after")
    def _fields_fit_the_task(self) -> Self:
        of_others = frozenset().union(*_OF_TASKS.values()) - _OF_TASKS[self.task]
        fields = type(self).model_fields
        if stray := sorted(name for name in of_others if getattr(self, name) != fields[name].default):
            raise ValueError(f"'{stray[0]}' is not for the task '{self.task}'")
        return self

    @model_validator(mode="after")
    def _all_is_there(self) -> Self:
        if self.task == "fit":
            if self.photos is None:
                raise ValueError("to fit, give 'photos'")
            for name in ("masks", "bodies"):
                given = getattr(self, name)
                if given is not None and len(given) != len(self.photos):
                    raise ValueError(f"'{name}' must be as many as 'photos', {len(self.photos)}, not {len(given)}")
            return self
        pairs = [("outfit", "outfit_name"), *([("other", "other_name")] if self.task == "mix" else [])]
        for file, name in pairs:
            if (getattr(self, file) is None) == (getattr(self, name) is None):
                raise ValueError(f"give either '{file}' or '{name}'")
        if self.body is not None and (self.betas is not None or self.pose is not None):
            raise ValueError("give either 'body' or 'betas' and 'pose'")
        if self.person is not None and (self.betas is not None or self.pose is not None):
            raise ValueError("'betas' and 'pose' are not for a 'person'; give a 'body', or let it be found")
        return self

    def inputs(self) -> Mapping[str, str]:
        lists = {
            f"{name}.{i}": one
            for name in ("photos", "masks", "bodies")
            for i, one in enumerate(getattr(self, name) or [])
        }
        single = {name: getattr(self, name) for name in ("outfit", "other", "person", "body")}
        return lists | {name: one for name, one in single.items() if one is not None}

    def settings(self) -> dict[str, object]:
        of_a_fit = {"clothes", "appearance", "visibility_thr", "coarse_iterations", "fine_iterations"}
        return self.model_dump(include={"task"} | (of_a_fit if self.task == "fit" else set()))

    def work(self) -> float:
        """In iterations of one code."""
        frames = 64 * (self.turntable + self.walk) * _FRAME
        if self.task != "fit":
            return 1 + _PHOTO * (self.person is not None) + frames
        photos = len(self.photos or [])
        painting = self.appearance_iterations if self.appearance == "network" else 0
        fitting = _ITERATION * (4 * self.coarse_iterations + self.fine_iterations)
        return fitting + painting + _PHOTO * photos + frames
