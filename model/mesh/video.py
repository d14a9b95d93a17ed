"""Turntables as MP4 files that browsers play."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

from model.errors import EngineError

# In order of preference. PyAV's wheels bring libx264; builds without it may have one of the others.
ENCODERS: dict[str, dict[str, str]] = {
    "libx264": {"crf": "18", "preset": "medium"},
    "libopenh264": {},
    "libvpx-vp9": {"crf": "24", "deadline": "good"},
}


def write_video(frames: Iterable[np.ndarray], file: Path, fps: int) -> None:
    """Write an MP4 without metadata that starts playing before it is loaded.

    Args:
        frames: (H, W, 3) uint8 sRGB, all of one size. An odd side loses its last row or column.
        file: where to.
        fps: frames a second.

    Raises:
        EngineError: PyAV was built without any encoder for browsers.
    """
    frames = iter(frames)
    first = next(frames)
    height, width = (side - side % 2 for side in first.shape[:2])  # colours are kept for 2 x 2 pixels
    encoder = _encoder()
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(file, "w", format="mp4", options=options) as container:
        stream = cast(av.VideoStream, container.add_stream(encoder, rate=Fraction(fps), options=ENCODERS[encoder]))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        for index, picture in enumerate(_all(first, frames)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), "rgb24")
            frame = frame.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
