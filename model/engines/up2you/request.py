"""What UP2You takes beside what every avatar does. Imported by the front process, so: pydantic, never torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from model.avatar.request import AvatarRequest

SIZES = range(64, 1025, 64)  # pixels a side of the generated views

# TFLOP at 768 pixels with SD 2.1 widths: a guided step of both denoising loops, six views each, in a part linear in the
# pixels and the attention products, quadratic in them; then what is done once a photo, for features, always at 768
# pixels, and for reference keys.
_REFERENCE_PIXELS = 768 * 768
_LINEAR_TFLOP, _QUADRATIC_TFLOP, _SEEN_TFLOP, _KEYS_TFLOP = 38.0, 27.0, 2.5, 3.5
_ITERATION_TFLOP, _PAINTING_TFLOP = 0.5, 50.0  # of the mesh: hardly any arithmetic, but about as long


class Request(AvatarRequest):
    """Make a 3D avatar: loose photos of one person in, a rigged, textured GLB out."""

    heavy_stages: ClassVar[tuple[str, ...]] = ("rgb", "normals", "mesh")

    engine: Literal["up2you"] = "up2you"
    size: int = Field(
        768,
        ge=SIZES.start,
        le=SIZES[-1],
        multiple_of=SIZES.step,
        description="Pixels a side of the six generated views.",
    )
    steps: int = Field(50, ge=1, le=200, description="Of each of the two denoising loops.")
    guidance: float = Field(3.0, ge=0, le=20, description="At 1 or below, guidance is off and a step costs half.")
    reference: bool = Field(False, description="With the known slips of the published code, for comparison.")

    def work(self) -> float:
        """TFLOP of the published sizes, near enough. Of the body alone, what sees the photos."""
        if self.body_only:
            return _SEEN_TFLOP * self.most_photos
        share = self.size**2 / _REFERENCE_PIXELS
        halves = 1.0 if self.guidance > 1 else 0.5
        views = halves * (_LINEAR_TFLOP * share + _QUADRATIC_TFLOP * share**2) * self.steps
        mesh = _ITERATION_TFLOP * self.iterations * (self.mesh_size / 1024) ** 2 + _PAINTING_TFLOP
        return (_SEEN_TFLOP + _KEYS_TFLOP * share) * self.most_photos + views + mesh
