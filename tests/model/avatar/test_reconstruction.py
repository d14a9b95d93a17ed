"""From a body and pictures of normals to a person's shape."""

from __future__ import annotations

from functools import cache

import torch
from PIL import Image

from bench.chamfer import chamfer, outer_points
from model.avatar.hand_swap import swap_hands
from model.avatar.reconstruction import RADIUS, Reconstruction, edge_lengths, render_normals
from model.avatar.targets import Targets, eroded, targets
from model.body.a_pose import a_pose
from model.body.hands import hands
from model.body.smplx import read_body
from model.engines.up2you.files import BODY
from model.mesh.cameras import AZIMUTHS, orthographic_cameras
from model.mesh.components import component_of
from model.mesh.mesh import Mesh
from model.mesh.rasterise_torch import Torch
from model.weights.pack import DEMO
from tests.model.mesh.meshes import sphere
from tests.model.up2you.goldens import golden, golden_json

SIZE = 48
POINTS = 4000


def picture(pixels: torch.Tensor) -> Image.Image:
    return Image.fromarray(pixels.numpy())


def test_targets_equal_the_published_ones() -> None:
    tensors, parameters = golden("recon_preprocess"), golden_json("recon_preprocess")
    found = targets([picture(tensors["in_0"]), picture(tensors["in_1"])], parameters["resolution"], reference=True)
    torch.testing.assert_close(found.masks, tensors["masks"], atol=1e-6, rtol=0)
    torch.testing.assert_close(found.normals, tensors["target_normals"], atol=1e-6, rtol=0)


def test_erosion_takes_as_much_off_above_as_beside() -> None:
    mask = torch.zeros(1, 9, 12)
    mask[0, 2:9, 3:9] = 1
    both, beside = eroded(mask, 2), eroded(mask, 2, rows_only=True)
    assert both[0].nonzero().amin(0).tolist() == [4, 5]
    assert both[0].nonzero().amax(0).tolist() == [8, 6]  # not from the picture's border
    assert beside[0].nonzero().amin(0).tolist() == [2, 5]


def test_masks_of_any_size_lose_the_same_share_and_as_published_two_pixels() -> None:
    def lost(size: int, reference: bool) -> list[int]:
        alpha = torch.zeros(64, 64, dtype=torch.uint8)
        alpha[16:48, 16:48] = 255
        normals = torch.zeros(64, 64, 3, dtype=torch.uint8)
        whole = picture(torch.cat([normals, alpha[..., None]], -1)).resize((size, size), Image.Resampling.NEAREST)
        inside = targets([whole], size, reference=reference).masks[0, ..., 0] == 1
        return [size // 2 - int(inside.any(axis).sum()) for axis in (0, 1)]

    assert [lost(size, reference=False) for size in (256, 512, 1024)] == [[0, 0], [2, 2], [4, 4]]
    assert [lost(size, reference=True) for size in (256, 1024)] == [[4, 0], [4, 0]]


def test_edges_are_as_long_in_pixels_in_small_pictures_as_in_large() -> None:
    assert [edge_lengths(size) for size in (2048, 1024, 512)] == [(0.01, 0.1), (0.01, 0.1), (0.02, 0.1)]
    assert edge_lengths(48) == (0.1, 0.1)


@cache
def ellipsoid() -> tuple[Mesh, Targets]:
    """Somewhat larger than the sphere to begin with, and what it looks like in the sphere's place."""
    shape = sphere(3)
    stretched = Mesh(shape.vertices * torch.tensor([0.8, 1.0, 1.1]), shape.faces)
    cameras = orthographic_cameras(AZIMUTHS, RADIUS)
    pictures = render_normals(Torch(), stretched.vertices * 1.8, stretched.faces, cameras, SIZE)
    return stretched, Targets(*pictures)


def reconstruction(*, reference: bool = False, iterations: int = 24) -> Reconstruction:
    start = Mesh(sphere(2).vertices + torch.tensor([5.0, 0, 0]), sphere(2).faces)
    return Reconstruction(start, ellipsoid()[1], Torch(), seed=0, iterations=iterations, reference=reference)


def points_of(mesh: Mesh, seed: int) -> torch.Tensor:
    return outer_points(mesh, Torch(), seed=seed, points=POINTS, directions=6, size=128)  # enough for what is convex


def test_normals_and_silhouettes_bring_the_shape() -> None:
    shape, _ = ellipsoid()
    truth = points_of(shape, seed=0) + torch.tensor([5.0, 0, 0])
    for reference in (False, True):
        run = reconstruction(reference=reference)
        before = chamfer(truth, points_of(run.mesh(), seed=1))
        run.advance(run.total)
        after = chamfer(truth, points_of(run.mesh(), seed=1))
        assert after < 0.5 * before


def test_slices_of_any_length_give_the_same_mesh_and_stop_at_the_end() -> None:
    whole, sliced = reconstruction(iterations=7), reconstruction(iterations=7)
    whole.advance(5)
    for length in (2, 3):
        sliced.advance(length)
    assert (sliced.done, sliced.total) == (5, 7)
    assert sliced.mesh().vertices.equal(whole.mesh().vertices)
    sliced.advance(1000)
    assert sliced.done == 7


def test_before_the_first_step_the_mesh_is_the_body() -> None:
    torch.testing.assert_close(reconstruction().mesh().vertices, sphere(2).vertices + torch.tensor([5.0, 0, 0]))


def test_pictures_of_normals_are_upright_and_weighed_by_coverage() -> None:
    shape = sphere(2)
    colours, alpha = render_normals(Torch(), shape.vertices, shape.faces, orthographic_cameras((0,), RADIUS), 64)
    torch.testing.assert_close(colours[0, 32, 32], torch.tensor([0.5, 0.5, 1.0]), atol=0.03, rtol=0)
    assert colours[0, 18, 32, 1] > 0.9  # the top faces up
    assert colours[0, 0, 0].tolist() == [0, 0, 0]
    assert (colours <= alpha + 1e-6).all()
    assert ((alpha > 0.05) & (alpha < 0.95)).any()
    over_white, _ = render_normals(
        Torch(), shape.vertices, shape.faces, orthographic_cameras((0,), RADIUS), 64, reference=True
    )
    inside = (alpha == 1)[..., 0]
    torch.testing.assert_close(over_white[inside], colours[inside])
    assert (over_white >= colours - 1e-6).all()


def test_the_bodys_hands_take_the_place_of_reconstructed_ones() -> None:
    body = read_body(DEMO / BODY)
    start, of_body = a_pose(body, torch.zeros(10)), hands(body)
    swollen = start.vertices + 0.004 * torch.nn.functional.normalize(start.vertices, dim=1)
    swapped = swap_hands(Mesh(swollen, start.faces), start, of_body.face_mask, of_body.near_wrist_vertex_mask)
    hand_vertices = start.vertices[torch.unique(start.faces[of_body.face_mask])]
    assert len(hand_vertices) > 500
    assert swapped.vertices[: len(hand_vertices)].equal(hand_vertices)
    rest = swapped.vertices[len(hand_vertices) :]
    assert len(rest) < len(start.vertices) - len(hand_vertices)
    assert len(rest) > 0.6 * len(start.vertices)
    assert torch.cdist(rest, hand_vertices).min() > 0
    labels = component_of(swapped.faces, len(swapped.vertices))
    assert labels.bincount().min() > 0.01 * len(rest)


def test_hands_hanging_by_the_hips_take_no_trousers_away() -> None:
    body = read_body(DEMO / BODY)
    start, of_body = a_pose(body, torch.zeros(10)), hands(body)
    hand = start.vertices[torch.unique(start.faces[of_body.face_mask])]
    skirt = Mesh(start.vertices.clone(), start.faces)
    swapped = swap_hands(skirt, start, of_body.face_mask, torch.zeros_like(of_body.near_wrist_vertex_mask))
    assert len(swapped.vertices) >= len(hand) + 0.9 * len(start.vertices)


def test_without_hands_nothing_is_swapped() -> None:
    mesh = sphere(2)
    none = torch.zeros(len(mesh.faces), dtype=torch.bool)
    assert swap_hands(mesh, mesh, none, torch.zeros(len(mesh.vertices), dtype=torch.bool)) is mesh
