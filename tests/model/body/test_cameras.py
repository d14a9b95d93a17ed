"""The orthographic cameras: the reference's numbers, and what they mean."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model.mesh.cameras import AZIMUTHS, orthographic_cameras, rotations, to_clip


@pytest.mark.parametrize(("name", "radius"), [("pose6", 1.0), ("recon6", 2.0), ("video64", 1.0)])
def test_cameras_equal_the_reference(golden: Path, name: str, radius: float) -> None:
    cameras = load_file(golden / "cameras.safetensors")
    azimuths = cameras[f"{name}.views"].tolist()
    torch.testing.assert_close(orthographic_cameras(azimuths, radius), cameras[f"{name}.mvp"], rtol=0, atol=1e-6)
    torch.testing.assert_close(rotations(azimuths), cameras[f"{name}.rot"], rtol=0, atol=1e-6)


def test_views_see_the_persons_sides() -> None:
    left_hand = torch.tensor([[0.5, 0.2, 0.1]])
    clip = dict(zip(AZIMUTHS, to_clip(left_hand, orthographic_cameras(AZIMUTHS))[:, 0], strict=True))
    assert clip[0][0] > 0 > clip[180][0]  # on the right of the front view
    assert clip[90][2] < 0 < clip[270][2]  # near in the view from the left side
    assert all(point[1] == pytest.approx(-0.2) for point in clip.values())  # rows go down


def test_radius_is_half_of_what_the_picture_shows() -> None:
    clip = to_clip(torch.tensor([[0.0, 2.0, 0.0]]), orthographic_cameras([0], radius=2.0))[0, 0]
    assert (clip / clip[3]).tolist() == pytest.approx([0, -1, 0, 1])
