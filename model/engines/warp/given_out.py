"""What is returned beside the result, if a request asks for it."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from model.engine import Job
from model.engines.warp.compositing import Dressed
from model.engines.warp.request import Request
from model.pictures.flow import encoded_flow


def save_asked(worn: Dressed, request: Request, job: Job) -> None:
    """`warped.png` and `flow.png` into the job's outputs."""
    if request.return_warped:
        alpha = (worn.region * 255 + 0.5).astype(np.uint8)
        Image.fromarray(np.dstack([worn.cloth, alpha])).save(job.outputs / "warped.png")
    if request.return_flow:
        _, data = cv2.imencode(".png", encoded_flow(worn.flow, worn.region)[..., ::-1])
        (job.outputs / "flow.png").write_bytes(data.tobytes())
