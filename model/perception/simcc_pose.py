"""DWPose and RTMPose: each joint's x and y as two lines of votes (SimCC), half a pixel of the input a vote."""

from __future__ import annotations

import numpy as np
from PIL import Image

from model.errors import WeightsError
from model.perception.boxes import PersonBox
from model.perception.onnx_file import OnnxNetwork
from model.perception.pose import Pose, framed, in_picture

OUTPUTS = ("simcc_x", "simcc_y")
JOINT_COUNTS = (17, 26, 133)
_MARGIN = 1.25  # of the frame around a person's box, as both were trained
_VOTES_A_PIXEL = 2


class SimccPose:
    """Raises:
    WeightsError: the file has other outputs or another number of joints.
    """

    def __init__(self, network: OnnxNetwork) -> None:
        self.network = network
        shapes = {output.name: list(output.shape) for output in network.session.get_outputs()}
        votes = [shapes.get(name, []) for name in OUTPUTS]
        lengths = [_VOTES_A_PIXEL * network.width, _VOTES_A_PIXEL * network.height]
        if [shape[2:] for shape in votes] != [[length] for length in lengths] or votes[0][1] not in JOINT_COUNTS:
            raise WeightsError(
                f"{network.file}: the outputs are {shapes}, expected simcc_x [1, K, {lengths[0]}] and simcc_y "
                f"[1, K, {lengths[1]}] with K of {', '.join(map(str, JOINT_COUNTS))} joints"
            )

    def pose(self, picture: Image.Image, box: PersonBox) -> Pose | None:
        network = self.network
        seen, back = framed(picture, box, (network.width, network.height), _MARGIN)
        votes = network.run_all(seen, OUTPUTS)
        places = [line.argmax(-1) / _VOTES_A_PIXEL for line in votes]
        scores = np.mean([line.max(-1) for line in votes], axis=0).clip(0, 1)
        points = np.stack([*places, scores], axis=1).astype(np.float64)
        joints = in_picture(points, back)
        joints[scores <= 0] = 0
        return Pose(joints) if scores.any() else None
