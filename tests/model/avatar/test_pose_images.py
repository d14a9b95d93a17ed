"""The pose images against the reference's, and what their silhouettes add."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.avatar.pose_images import pose_images
from model.body.smplx import BodyModel, read_body
from model.mesh.rasterise_torch import Torch
from tests.model.mesh.unblended import Unblended
from tests.model.up2you.goldens import FOLDER, golden

SIZE = 72


@pytest.fixture(scope="module")
def apose() -> dict[str, Tensor]:
    return golden("apose")


@pytest.fixture(scope="module")
def body(apose: dict[str, Tensor]) -> BodyModel:
    return read_body(FOLDER / "tiny_smplx.npz")


def test_pose_images_equal_the_reference(body: BodyModel, apose: dict[str, Tensor]) -> None:
    images = pose_images(body, apose["betas"][0], SIZE, Unblended())
    torch.testing.assert_close(images, apose["pose_normals"], rtol=0, atol=1e-4)


def test_antialiasing_touches_the_rim_only(body: BodyModel, apose: dict[str, Tensor]) -> None:
    images, reference = pose_images(body, apose["betas"][0], SIZE, Torch()), apose["pose_normals"]
    covered = (reference != 0.5).any(1, keepdim=True).float()
    near = F.max_pool2d(covered, 3, stride=1, padding=1) > 0  # next to the body or on it
    assert (images[~near.expand_as(images)] == 0.5).all()
    changed = ((images - reference).abs() > 1e-4).any(1, keepdim=True)
    on_rim = near & (-F.max_pool2d(-covered, 3, stride=1, padding=1) < 1)
    assert changed[on_rim].sum() > 0.3 * on_rim.sum()  # one of the two pixels that an edge passes between
    assert 0 <= images.min() <= images.max() <= 1


def test_views_share_the_worlds_normals(body: BodyModel) -> None:
    images = pose_images(body, torch.zeros(10), SIZE, Torch())
    blue = [image[2][image[2] != 0.5].mean() for image in images]
    assert blue[0] > 0.5 > blue[3]  # the front is bright, the back dark
    red = [image[0][image[0] != 0.5].mean() for image in images]
    assert red[2] > 0.5 > red[4]  # the person's left, then its right
