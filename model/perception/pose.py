"""Where somebody's joints are: one interface to several published networks, chosen by the file that is there.

pose.onnx               DWPose and RTMPose (outputs `simcc_x`, `simcc_y`; 17, 26 or 133 joints), or BlazePose
                        (one picture, channels last, 256 x 256; first output 39 points)
pose.tflite             BlazePose as it is published
body_pose_model.pth     OpenPose's body network; its licence forbids commercial use, so it is only used where
                        somebody has put it there and nothing else is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from model.perception.boxes import PersonBox
from model.perception.onnx_file import OnnxNetwork, Provider
from model.perception.profile import Profile
from model.perception.skeletons import Joints, body_25, coco_18

POSE_FILES = ("perception/pose.onnx", "perception/pose.tflite", "perception/body_pose_model.pth")


@dataclass(frozen=True)
class Pose:
    """One person's joints as the network numbers them: (K, 3) x, y in pixels of the picture, confidence in 0..1."""

    joints: Joints

    @property
    def coco_18(self) -> Joints:
        return coco_18(self.joints)

    @property
    def body_25(self) -> Joints:
        return body_25(self.joints)


class PoseNetwork(Protocol):
    """Something that finds joints. May be asked from several threads."""

    def pose(self, picture: Image.Image, box: PersonBox) -> Pose | None:
        """The joints of the person in `box` of an RGB picture; None where nobody was found."""


def open_pose(weights: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> PoseNetwork | None:
    """The network whose file is there, the first of `POSE_FILES` that is; None without any.

    Raises:
        WeightsError: the file cannot be read or is no such network.
    """
    file = next((weights / name for name in POSE_FILES if (weights / name).is_file()), None)
    return None if file is None else open_pose_file(file, providers)


def open_pose_file(file: Path, providers: Sequence[Provider] = ("CPUExecutionProvider",)) -> PoseNetwork:
    """The network in one of `POSE_FILES`.

    Raises:
        WeightsError: it cannot be read or is no such network.
    """
    if file.suffix == ".pth":
        from model.perception.body_pose.estimator import BodyPose

        return BodyPose(file)
    from model.perception.blaze_pose import BlazePose
    from model.perception.simcc_pose import SimccPose

    network = OnnxNetwork(file, providers, Profile())
    return BlazePose(network) if network.profile.layout == "nhwc" else SimccPose(network)


def framed(picture: Image.Image, box: PersonBox, size: tuple[int, int], margin: float) -> tuple[np.ndarray, np.ndarray]:
    """What a network of `size` (width, height) sees of a person, and the way back.

    The box grows by `margin`, then to the network's aspect; outside the picture it is black.

    Returns:
        levels (H, W, 3), and a (2, 3) affine map from their pixels to the picture's.
    """
    import cv2

    width, height = size
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    reach = max((box[2] - box[0]) * margin / width, (box[3] - box[1]) * margin / height)  # picture pixels a pixel
    back = np.array([[reach, 0, centre[0] - reach * width / 2], [0, reach, centre[1] - reach * height / 2]])
    levels = cv2.warpAffine(np.asarray(picture), back, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(levels), back


def in_picture(points: Joints, back: np.ndarray) -> Joints:
    """Points (K, 3) of what a network saw, as points of the picture."""
    return np.concatenate([points[:, :2] @ back[:, :2].T + back[:, 2], points[:, 2:]], axis=1)
