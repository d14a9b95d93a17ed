"""What the template engine takes beside what every avatar does. Imported by the front process, so: never torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from model.avatar.request import STAGES, AvatarRequest, Stage

# In the order in which they are done: what each view needs of each photo follows from places, so there are no weights.
TEMPLATE_STAGES: tuple[Stage, ...] = tuple(stage for stage in STAGES if stage != "weights")

# TFLOP, by how long each part takes on one core: a photo's labels, a view's pixels, an iteration of the mesh.
_LABELLING_TFLOP, _VIEWS_TFLOP, _ITERATION_TFLOP, _PAINTING_TFLOP = 0.02, 0.3, 0.5, 0.5


class Request(AvatarRequest):
    """Make a 3D avatar: loose photos of one person in, a rigged, textured GLB out."""

    heavy_stages: ClassVar[tuple[str, ...]] = ("mesh",)

    engine: Literal["template"] = "template"
    size: int = Field(192, ge=64, le=512, multiple_of=64, description="Pixels a side of the six views.")
    mesh_size: int = Field(192, ge=64, le=2048, description="Pixels a side the mesh is compared with the normals at.")
    iterations: int = Field(60, ge=1, le=2000, description="Of the mesh.")
    faces: int = Field(20_000, ge=1_000, le=500_000, description="Most triangles of the result.")

    @field_validator("stages")
    @classmethod
    def _has_them(cls, stages: list[Stage]) -> list[Stage]:
        if "weights" in stages:
            raise ValueError("the engine 'template' has no stage 'weights'")
        return stages

    def work(self) -> float:
        """TFLOP, near enough. Of the body alone, what sees the photos."""
        if self.body_only:
            return _LABELLING_TFLOP * self.most_photos
        views = _VIEWS_TFLOP * (self.size / 192) ** 2
        mesh = _ITERATION_TFLOP * self.iterations * (self.mesh_size / 1024) ** 2 + _PAINTING_TFLOP
        return _LABELLING_TFLOP * self.most_photos + views + mesh
