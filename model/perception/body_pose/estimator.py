"""OpenPose's body network as a source of poses. Its weights are for academic and non-profit research only."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import numpy as np
import torch
from PIL import Image

from model.errors import WeightsError
from model.perception.body_pose.fields import at_picture_size, network_input, seen
from model.perception.body_pose.network import BodyPoseNetwork
from model.perception.body_pose.people import JOINTS, people_of
from model.perception.boxes import PersonBox
from model.perception.onnx_file import refuse_lfs_pointer
from model.perception.pose import Pose

_MARGIN = 0.1  # of the box, on each side


class BodyPose:
    """Raises:
    WeightsError: the file cannot be read or is not such a checkpoint.
    """

    def __init__(self, file: Path) -> None:
        self._network = _loaded(file)
        self._turn = Lock()

    @torch.inference_mode()
    def pose(self, picture: Image.Image, box: PersonBox) -> Pose | None:
        left, top, right, bottom = _grown(box, picture.size)
        part = np.asarray(picture.crop((left, top, right, bottom)))
        padded, shrunk = seen(part[..., ::-1])
        with self._turn:
            limbs, joints = self._network(torch.from_numpy(network_input(padded)))
        fields = (at_picture_size(field[0].numpy(), shrunk, part.shape[:2]) for field in (joints, limbs))
        people = people_of(*fields)
        if not people:
            return None
        found = np.zeros((JOINTS, 3))
        for joint, peak in people[0].joints.items():
            found[joint] = (peak.x + left, peak.y + top, peak.score)
        return Pose(found)


def _grown(box: PersonBox, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """With a margin, inside the picture, whole pixels."""
    aside, above = _MARGIN * (box[2] - box[0]), _MARGIN * (box[3] - box[1])
    return (
        max(0, int(box[0] - aside)),
        max(0, int(box[1] - above)),
        min(size[0], int(box[2] + aside) + 1),
        min(size[1], int(box[3] + above) + 1),
    )


def _loaded(file: Path) -> BodyPoseNetwork:
    refuse_lfs_pointer(file)
    with torch.device("meta"):
        network = BodyPoseNetwork()
    try:
        weights = torch.load(file, map_location="cpu", weights_only=True)
        network.load_state_dict(weights, strict=True, assign=True)
    except Exception as error:  # unreadable files and wrong keys raise whatever they like
        raise WeightsError(f"{file}: is not the body network's checkpoint ({str(error).splitlines()[0]})") from error
    return network.eval()
