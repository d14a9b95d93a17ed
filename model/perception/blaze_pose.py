"""BlazePose: 33 joints and 6 auxiliary points of one person, as numbers."""

from __future__ import annotations

import numpy as np
from PIL import Image

from model.errors import WeightsError
from model.perception.boxes import PersonBox
from model.perception.onnx_file import OnnxNetwork
from model.perception.pose import Pose, framed, in_picture

POINTS, JOINTS, NUMBERS = 39, 33, 5  # numbers of a point: x, y, z in pixels of the input, visibility, presence
_MARGIN = 1.25  # of the frame around a person's box, as MediaPipe has it
_LEAST_CONFIDENCE = 0.5  # that there is somebody


class BlazePose:
    """Raises:
    WeightsError: the file's first outputs are not 39 points and a confidence.
    """

    def __init__(self, network: OnnxNetwork) -> None:
        self.network = network
        outputs = network.session.get_outputs()
        if len(outputs) < 2 or list(outputs[0].shape) != [1, POINTS * NUMBERS]:
            shapes = [list(output.shape) for output in outputs]
            raise WeightsError(f"{network.file}: the outputs are {shapes}, expected first [1, {POINTS * NUMBERS}]")
        self._names = [output.name for output in outputs[:2]]

    def pose(self, picture: Image.Image, box: PersonBox) -> Pose | None:
        network = self.network
        seen, back = framed(picture, box, (network.width, network.height), _MARGIN)
        numbers, confidence = network.run_all(seen, self._names)
        if float(confidence.reshape(-1)[0]) < _LEAST_CONFIDENCE:
            return None
        points = numbers.reshape(POINTS, NUMBERS)[:JOINTS].astype(np.float64)
        visibility = 1 / (1 + np.exp(-points[:, 3]))
        return Pose(in_picture(np.stack([points[:, 0], points[:, 1], visibility], axis=1), back))
