"""Six views of a dressed person in A pose, where the avatar engine has its body."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from model.avatar.pose_images import HALF_HEIGHT, pose_images
from model.avatar.targets import targets
from model.body.a_pose import a_pose
from model.body.joints import JOINTS
from model.mesh.cameras import AZIMUTHS, orthographic_cameras, to_clip
from model.mesh.placement import normalised
from model.mesh.rasterise_torch import Torch
from model.synthetic.datasets.a_pose_views import APose, a_pose_views
from model.synthetic.datasets.loose_photos import somebody
from model.synthetic.people.body import body_model

SEED, SIZE = 3, 128
PERSON = somebody(SEED)
BODY = body_model()
BETAS = torch.from_numpy(PERSON.betas)


@pytest.fixture(scope="module")
def truth() -> APose:
    return a_pose_views(PERSON, SIZE)


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    """What the engine's networks are told of the bare body: (6, SIZE, SIZE, 3)."""
    return pose_images(BODY, BETAS, SIZE, Torch()).permute(0, 2, 3, 1).numpy()


def alpha(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture)[..., 3]


def normals(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture)[..., :3] / 255 * 2 - 1


def pixel_of(truth: APose, view: int, joint: str) -> tuple[int, int]:
    column, row = truth.cameras[view].pixels(truth.joints[JOINTS.index(joint), None], SIZE)[0]
    return int(row), int(column)


def test_the_cameras_are_the_engines(truth: APose) -> None:
    vertices = a_pose(BODY, BETAS).vertices
    theirs = to_clip(normalised(vertices, HALF_HEIGHT)[0], orthographic_cameras(AZIMUTHS))
    for camera, expected in zip(truth.cameras, theirs, strict=True):
        assert np.allclose(camera.clip(vertices.numpy()), expected, atol=1e-5)


@pytest.mark.parametrize("view", range(len(AZIMUTHS)))
def test_joints_lie_inside_the_outline(truth: APose, view: int) -> None:
    for joint in ("pelvis", "head", "left_wrist", "right_elbow", "left_knee", "right_ankle", "left_index1"):
        assert alpha(truth.colours[view])[pixel_of(truth, view, joint)] == 255


def test_the_bare_body_lies_inside_the_outline(truth: APose, poses: np.ndarray) -> None:
    for picture, pose in zip(truth.colours, poses, strict=True):
        bare = np.abs(pose - 0.5).max(2) > 0.4  # unlike the grey around, so wholly covered
        assert bare.mean() > 0.05
        assert (alpha(picture)[bare] > 127).mean() > 0.995


def test_normals_are_unit_vectors_that_face_the_camera(truth: APose) -> None:
    for picture, camera in zip(truth.normals, truth.cameras, strict=True):
        seen = normals(picture)[alpha(picture) > 0]
        assert np.abs(np.linalg.norm(seen, axis=1) - 1).max() < 0.01  # of 8 bits
        facing = seen @ camera.turn[2]
        assert facing.mean() > 0.5
        assert (facing > -0.2).mean() > 0.98


def test_bare_legs_have_the_normals_the_engine_gives_them(truth: APose, poses: np.ndarray) -> None:
    for view, (picture, pose) in enumerate(zip(truth.normals, poses, strict=True)):
        rows, columns = zip(*(pixel_of(truth, view, joint) for joint in ("left_knee", "left_ankle")), strict=True)
        row, column = (rows[0] + 2 * rows[1]) // 3, (columns[0] + 2 * columns[1]) // 3
        around = (slice(row - 1, row + 2), slice(column - 1, column + 2))
        assert np.abs(np.asarray(picture)[around][..., :3] / 255 - pose[around]).mean() < 0.03


def test_colours_and_normals_have_one_outline_and_the_reconstruction_reads_it(truth: APose) -> None:
    for colours, seen in zip(truth.colours, truth.normals, strict=True):
        assert (alpha(colours) == alpha(seen)).all()
    read = targets(truth.normals, SIZE)
    assert read.masks.shape == (6, SIZE, SIZE, 1)
    assert 0.05 < float(read.masks.mean()) < 0.3


def test_the_views_are_the_same_every_time(truth: APose) -> None:
    again = a_pose_views(PERSON, SIZE)
    for first, second in ((truth.colours, again.colours), (truth.normals, again.normals)):
        assert [picture.tobytes() for picture in first] == [picture.tobytes() for picture in second]
