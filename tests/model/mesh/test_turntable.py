"""Turning the avatar: the reference's frames, the circle, colours and textures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from model.mesh.mesh import Mesh
from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import Fragments
from model.mesh.turntable import azimuths, textured, turntable
from tests.model.mesh.shapes import sphere, square
from tests.model.mesh.unblended import Unblended

GOLDEN = Path(__file__).parents[3].parent / "shared/golden/up2you"


def read_coloured(file: Path) -> Mesh:
    """An OBJ with colours behind the coordinates."""
    lines = [line.split() for line in file.read_text().splitlines()]
    vertices = torch.tensor([[float(number) for number in line[1:]] for line in lines if line and line[0] == "v"])
    corners = [[int(corner.split("/")[0]) - 1 for corner in line[1:]] for line in lines if line and line[0] == "f"]
    return Mesh(vertices[:, :3], torch.tensor(corners), vertices[:, 3:])


def red_sphere() -> Mesh:
    vertices, faces = sphere(2)
    return Mesh(vertices, faces, torch.tensor([1.0, 0.0, 0.0]).expand(len(vertices), 3))


def test_frames_equal_the_reference() -> None:
    if not GOLDEN.is_dir():
        pytest.skip("the reference data is not here")
    reference = load_file(GOLDEN / "turntable.safetensors")
    frames = list(turntable(read_coloured(GOLDEN / "tiny_colored.obj"), 48, 4, Unblended(), closed=False))
    assert [frame.azimuth for frame in frames] == [0, 90, 180, 270]
    for name, ours in (("rgb", [f.albedo for f in frames]), ("normal", [f.normals for f in frames])):
        theirs = reference[name].float().permute(0, 2, 3, 1)
        torch.testing.assert_close(torch.stack(ours), theirs, rtol=0, atol=2e-3)


def test_the_circle_is_closed_unless_told_otherwise() -> None:
    assert azimuths(64)[-1] + 360 / 64 == 360
    assert azimuths(64, closed=False) == [5.0 * i for i in range(64)]


def test_frames_are_rendered_as_they_are_asked_for() -> None:
    class Counting(Torch):
        rendered = 0

        def rasterise(self, clip: Tensor, faces: Tensor, height: int, width: int) -> Fragments:
            self.rendered += 1
            return super().rasterise(clip, faces, height, width)

    rasteriser = Counting()
    frames = turntable(red_sphere(), 16, 8, rasteriser)
    assert rasteriser.rendered == 0
    next(frames)
    assert rasteriser.rendered == 1


def test_of_a_closed_surface_nothing_changes_when_its_back_is_left_out() -> None:
    whole, solid = (list(turntable(red_sphere(), 48, 3, Torch(), solid=solid)) for solid in (False, True))
    for one, other in zip(whole, solid, strict=True):
        assert torch.equal(one.albedo, other.albedo)
        assert torch.equal(one.normals, other.normals)


def test_silhouettes_fade_into_white() -> None:
    frame = next(turntable(red_sphere(), 32, 4, Torch()))
    assert frame.albedo.shape == frame.normals.shape == (32, 32, 4)
    assert frame.albedo[0, 0].tolist() == [1, 1, 1, 0]
    assert frame.albedo[16, 16].tolist() == pytest.approx([1, 0, 0, 1])
    alpha, green = frame.albedo[..., 3], frame.albedo[..., 1]
    assert ((alpha > 0.1) & (alpha < 0.9)).sum() > 20
    torch.testing.assert_close(green, 1 - alpha)


def test_a_texture_is_seen_where_its_coordinates_say() -> None:
    vertices, faces = square()
    uv = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])  # the first row on top
    texture = torch.rand(4, 4, 3, generator=torch.Generator().manual_seed(0))
    shade = textured(faces, uv, texture.repeat_interleave(8, 0).repeat_interleave(8, 1))
    frame = next(turntable(Mesh(vertices, faces), 64, 1, Torch(), shade=shade))
    cell = 64 * 0.925 / 4
    for row in range(4):
        for column in range(4):
            middle = (int(32 + (row - 1.5) * cell), int(32 + (column - 1.5) * cell))
            torch.testing.assert_close(frame.albedo[middle][:3], texture[row, column], rtol=0, atol=1e-5)


def test_a_mesh_without_colours_is_refused() -> None:
    vertices, faces = sphere(0)
    with pytest.raises(ValueError, match="no colours"):
        turntable(Mesh(vertices, faces), 16, 4, Torch())
