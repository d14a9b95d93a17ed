"""What every rasteriser must do, run for each that is installed; and how the one to use is chosen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from model.mesh import rasterisers
from model.mesh.rasterise_nvdiffrast import Nvdiffrast, raster_of
from model.mesh.rasterise_nvdiffrast import fragments_of as fragments_of_nvdiffrast
from model.mesh.rasterise_pytorch3d import Pytorch3d, to_ndc
from model.mesh.rasterise_pytorch3d import fragments_of as fragments_of_pytorch3d
from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import Fragments, Rasteriser, interpolate
from model.mesh.rasterisers import NAMES, available, open_rasteriser, preferred
from tests.model.mesh import plain
from tests.model.mesh.shapes import alpha_of, clip_of, sphere, square

HEIGHT, WIDTH = 40, 56


def open_torch() -> tuple[Rasteriser, torch.device]:
    return Torch(), torch.device("cpu")


def open_pytorch3d() -> tuple[Rasteriser, torch.device]:
    pytest.importorskip("pytorch3d")
    return Pytorch3d(), torch.device("cpu")


def open_nvdiffrast() -> tuple[Rasteriser, torch.device]:
    pytest.importorskip("nvdiffrast")
    if not torch.cuda.is_available():
        pytest.skip("nvdiffrast needs CUDA")
    return Nvdiffrast(torch.device("cuda")), torch.device("cuda")


OPEN = {"torch": open_torch, "pytorch3d": open_pytorch3d, "nvdiffrast": open_nvdiffrast}


class OnCpu:
    """A rasteriser whose inputs and answers are on the CPU, wherever it works."""

    def __init__(self, rasteriser: Rasteriser, device: torch.device) -> None:
        self.rasteriser = rasteriser
        self.device = device
        self.name = rasteriser.name

    def rasterise(self, clip: Tensor, faces: Tensor, height: int = HEIGHT, width: int = WIDTH) -> Fragments:
        fragments = self.rasteriser.rasterise(clip.to(self.device), faces.to(self.device), height, width)
        return Fragments(fragments.faces.cpu(), fragments.barycentric.cpu())

    def alpha(self, clip: Tensor, faces: Tensor) -> Tensor:
        return alpha_of(self.rasteriser, clip.to(self.device), faces.to(self.device), HEIGHT, WIDTH).cpu()


@pytest.fixture(params=OPEN)
def rasteriser(request: pytest.FixtureRequest) -> OnCpu:
    opening: Callable[[], tuple[Rasteriser, torch.device]] = OPEN[request.param]
    return OnCpu(*opening())


def turned(vertices: Tensor) -> Tensor:
    """Turned out of every symmetry, so that no edge passes through a pixel centre."""
    angles = torch.tensor([0.3, 0.5])
    (c, d), (s, t) = angles.cos(), angles.sin()
    about_y = torch.stack([torch.stack([c, c * 0, s]), torch.tensor([0.0, 1.0, 0.0]), torch.stack([-s, s * 0, c])])
    about_x = torch.stack([torch.tensor([1.0, 0.0, 0.0]), torch.stack([d * 0, d, -t]), torch.stack([d * 0, t, d])])
    return vertices @ (about_y @ about_x).T


@pytest.mark.parametrize("w", [1.0, 2.0])
@pytest.mark.parametrize("subdivisions", [0, 2])
def test_equals_the_plain_form(rasteriser: OnCpu, subdivisions: int, w: float) -> None:
    vertices, faces = sphere(subdivisions)
    clip = clip_of(turned(vertices), w)
    fragments = rasteriser.rasterise(clip, faces)
    face, barycentric = plain.rasterise(clip[0], faces, HEIGHT, WIDTH)
    assert (face >= 0).sum() > 600
    same = fragments.faces[0] == face
    assert same.float().mean() > 0.999  # a centre on an edge may go to either side
    torch.testing.assert_close(fragments.barycentric[0][same], barycentric.float()[same], rtol=0, atol=1e-4)


def test_views_do_not_mix(rasteriser: OnCpu) -> None:
    vertices, faces = sphere(1)
    clips = torch.cat([clip_of(turned(vertices)), clip_of(vertices * 0.5 + 0.1)])
    together = rasteriser.rasterise(clips, faces)
    for view, clip in enumerate(clips):
        alone = rasteriser.rasterise(clip[None], faces)
        assert torch.equal(together.faces[view], alone.faces[0])
        assert torch.equal(together.barycentric[view], alone.barycentric[0])


def test_row_0_is_the_lowest_y_and_column_0_the_lowest_x(rasteriser: OnCpu) -> None:
    vertices, faces = square(half=0.4)
    covered = rasteriser.rasterise(clip_of(vertices - torch.tensor([0.55, 0.55, 0.0])), faces).faces[0] >= 0
    assert covered[: HEIGHT // 2, : WIDTH // 2].sum() == covered.sum() > 0


def test_smaller_depth_is_nearer_and_both_sides_are_drawn(rasteriser: OnCpu) -> None:
    far, faces = square(half=0.6, depth=0.5)
    near, _ = square(half=0.3, depth=-0.5)
    both = torch.cat([far, near]), torch.cat([faces, faces.flip(1) + 4])  # the near one shows its back
    seen = rasteriser.rasterise(clip_of(both[0]), both[1]).faces[0]
    assert seen[HEIGHT // 2, WIDTH // 2] >= 2
    assert seen[HEIGHT // 2, int(WIDTH * 0.25)] in (0, 1)
    assert seen[0, 0] == -1


def test_neighbours_leave_no_crack(rasteriser: OnCpu) -> None:
    vertices, faces = sphere(4)
    covered = rasteriser.rasterise(clip_of(turned(vertices)), faces).faces[0] >= 0
    for row in covered:
        columns = row.nonzero()[:, 0]
        assert len(columns) == 0 or len(columns) == columns[-1] - columns[0] + 1


def test_triangles_beyond_the_picture_are_cut_off(rasteriser: OnCpu) -> None:
    vertices, faces = square(half=50.0, turn_degrees=10.0)
    fragments = rasteriser.rasterise(clip_of(vertices), faces)
    assert (fragments.faces >= 0).all()
    position = interpolate(vertices, faces, fragments)[0]
    assert position[0, :, 0].tolist() == pytest.approx(((torch.arange(WIDTH) + 0.5) / WIDTH * 2 - 1).tolist(), abs=1e-3)


def test_weights_sum_to_one_where_a_face_is_seen(rasteriser: OnCpu) -> None:
    vertices, faces = sphere(2)
    fragments = rasteriser.rasterise(clip_of(vertices), faces)
    expected = (fragments.faces >= 0).float()
    torch.testing.assert_close(fragments.barycentric.sum(-1), expected, rtol=0, atol=1e-5)


def test_weights_are_differentiable(rasteriser: OnCpu) -> None:
    vertices, faces = square(half=0.7, turn_degrees=10.0)
    colours = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    moved = vertices.clone().requires_grad_()
    fragments = rasteriser.rasterise(clip_of(moved), faces)
    middle = interpolate(colours, faces, fragments)[0, HEIGHT // 2, WIDTH // 2, 0]
    (gradient,) = torch.autograd.grad(middle, moved)
    shift = torch.tensor([1e-3, 0.0, 0.0])  # stays in the same triangle
    ahead, back = (
        interpolate(colours, faces, rasteriser.rasterise(clip_of(vertices + s * shift), faces))[
            0, HEIGHT // 2, WIDTH // 2, 0
        ]
        for s in (1, -1)
    )
    assert gradient[:, 0].sum().item() == pytest.approx((ahead - back).item() / 2e-3, rel=1e-2)


def test_antialiased_mask_covers_the_area(rasteriser: OnCpu) -> None:
    vertices, faces = square(half=0.5, turn_degrees=17.0)
    assert rasteriser.alpha(clip_of(vertices), faces).mean().item() * 4 == pytest.approx(1.0, rel=1e-2)


def test_silhouettes_pull_at_the_vertices(rasteriser: OnCpu) -> None:
    vertices, faces = square(half=0.5, turn_degrees=3.0)
    moved = vertices.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(rasteriser.alpha(clip_of(moved), faces).mean(), moved)
    outwards = (gradient * vertices)[:, :2].sum().item()
    assert outwards == pytest.approx(2 * 0.25, rel=3e-2)  # of 1 + s the area grows by 2 s, a quarter of the picture


# -- our own ------------------------------------------------------------------------------------------------


def test_more_large_triangles_than_one_block_holds() -> None:
    vertices, _ = square(half=2.0)
    depths = torch.rand(400, generator=torch.Generator().manual_seed(0))
    many = torch.cat([vertices[:3] + torch.tensor([0.0, 0.0, 1.0]) * depth for depth in depths])
    triangles = torch.arange(len(many)).view(-1, 3)
    seen = Torch().rasterise(clip_of(many), triangles, 200, 200).faces
    assert torch.unique(seen[0, :99, 101:]).tolist() == [depths.argmin()]


def test_the_lowest_of_equal_faces_is_seen() -> None:
    vertices, faces = square()
    twice = torch.cat([faces + 4, faces]), torch.cat([vertices, vertices])
    seen = Torch().rasterise(clip_of(twice[1]), twice[0], HEIGHT, WIDTH).faces
    assert torch.unique(seen).tolist() == [-1, 0, 1]


def test_equal_input_gives_equal_pictures() -> None:
    vertices, faces = sphere(3)
    first, second = (Torch().rasterise(clip_of(vertices), faces, HEIGHT, WIDTH) for _ in range(2))
    assert torch.equal(first.faces, second.faces)
    assert torch.equal(first.barycentric, second.barycentric)


def test_what_cannot_be_drawn_is_left_out() -> None:
    vertices, faces = square(half=0.6)
    clip = clip_of(torch.cat([vertices, vertices, vertices, vertices, vertices[:1]]))
    clip[0, 4:8, 3] = -1.0  # behind the camera
    clip[0, 8:12, 0] = torch.nan
    clip[0, 12:16, 2] = 1.5  # beyond the far plane
    flat = torch.tensor([[16, 16, 16], [0, 1, 16]])  # without area
    every = torch.cat([flat, faces + 4, faces + 8, faces + 12, faces])
    assert torch.unique(Torch().rasterise(clip, every, HEIGHT, WIDTH).faces).tolist() == [-1, 8, 9]


def test_no_faces_give_an_empty_picture() -> None:
    clip, faces = torch.zeros(2, 0, 4), torch.zeros(0, 3, dtype=torch.int64)
    fragments = Torch().rasterise(clip, faces, HEIGHT, WIDTH)
    assert (fragments.faces == -1).all()
    picture = torch.ones(2, HEIGHT, WIDTH, 3)
    assert torch.equal(Torch().antialias(picture, fragments, clip, faces), picture)
    assert not interpolate(torch.zeros(0, 3), faces, fragments).any()


# -- the borders to the others' conventions, without them ---------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(4, 4), (4, 6), (6, 4)])
def test_a_pixel_centre_lies_where_pytorch3d_puts_it(height: int, width: int) -> None:
    row, column = 1, 2
    clip = torch.tensor([[[(column + 0.5) / width * 2 - 1, (row + 0.5) / height * 2 - 1, 0.25, 1.0]]]) * 3
    x, y, z = to_ndc(clip, height, width)[0, 0].tolist()
    shorter = min(height, width)
    # Columns run from +x to -x and rows from +y to -y, pixels being 2 / shorter wide.
    assert x == pytest.approx((width - 1 - 2 * column) / shorter)
    assert y == pytest.approx((height - 1 - 2 * row) / shorter)
    assert z > 0


def test_pytorch3d_numbers_faces_through_all_views() -> None:
    packed = torch.tensor([[[0, -1]], [[5, 3]]])
    fragments = fragments_of_pytorch3d(packed, torch.full((2, 1, 2, 3), -1.0), faces=3)
    assert fragments.faces.tolist() == [[[0, -1]], [[2, 0]]]
    assert fragments.barycentric[0, 0, 1].tolist() == [0, 0, 0]


def test_nvdiffrast_numbers_faces_from_one() -> None:
    vertices, faces = square(depth=0.25)
    clip = clip_of(vertices, w=2.0)
    fragments = Torch().rasterise(clip, faces, HEIGHT, WIDTH)
    raster = raster_of(fragments, clip, faces)
    assert torch.unique(raster[..., 3]).tolist() == [0, 1, 2]
    torch.testing.assert_close(raster[..., 2], 0.25 * (fragments.faces >= 0))
    again = fragments_of_nvdiffrast(raster)
    assert torch.equal(again.faces, fragments.faces)
    torch.testing.assert_close(again.barycentric, fragments.barycentric)


# -- choosing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "installed", "chosen"),
    [
        ("cpu", (), "torch"),
        ("cpu", ("pytorch3d", "nvdiffrast"), "torch"),
        ("cuda", (), "torch"),
        ("cuda", ("nvdiffrast",), "torch"),
        ("cuda", ("pytorch3d", "nvdiffrast"), "pytorch3d"),
    ],
)
def test_the_device_decides_and_not_what_is_installed(
    device: str, installed: tuple[str, ...], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rasterisers, "find_spec", lambda name: name if name in installed else None)
    assert preferred(torch.device(device)) == chosen


def test_the_one_asked_for_is_opened() -> None:
    cpu = torch.device("cpu")
    assert "nvdiffrast" not in available(cpu)
    assert open_rasteriser(cpu).name == open_rasteriser(cpu, "torch").name == "torch"


@pytest.mark.parametrize("name", [NAMES[0], "raytracer"])
def test_one_that_is_not_there_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        open_rasteriser(torch.device("cpu"), name)
