"""Turntables as MP4 files that browsers play."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from model.errors import EngineError

# In order of preference, with a quality at which a turntable looks like its frames. PyAV's wheels bring libx264, whose
# macroblock tree reads memory nobody wrote (pictures up to 112 pixels wide, AVX-512): without it equal frames make
# equal files.
_ENCODERS = {
    "libx264": {"crf": "18", "x264-params": "mbtree=0"},
    "libopenh264": {"b": "8M"},
    "libvpx-vp9": {"crf": "24", "b": "0"},
}
_BT709 = 1  # the colours of HDTV; a file that does not say so is shown with others by some players


def write_video(frames: Iterable[np.ndarray], file: Path, fps: int) -> None:
    """Write an MP4 without metadata that starts playing before it is loaded whole.

    Args:
        frames: (H, W, 3) uint8 sRGB, at least one, all of one size. An odd side loses its last row or column.
        file: where to.
        fps: frames a second.

    Raises:
        EngineError: this build of PyAV has no encoder for browsers.
    """
    frames = iter(frames)
    first = next(frames)
    height, width = (side - side % 2 for side in first.shape[:2])  # 2 x 2 pixels share their colour
    encoder = best_encoder()
    with av.open(file, "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        stream = container.add_stream(encoder, rate=fps, options=_ENCODERS[encoder])
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.color_range, context.colorspace = ColorRange.MPEG, _BT709
        context.color_primaries, context.color_trc = _BT709, _BT709
        for picture in chain([first], frames):
            rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), "rgb24")
            frame = rgb.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def best_encoder() -> str:
    """The first of the encoders whose videos browsers play that this build of PyAV has.

    Raises:
        EngineError: it has none.
    """
    for name in _ENCODERS:
        if name in av.codecs_available:
            try:
                av.Codec(name, "w")
            except av.codec.codec.UnknownCodecError:
                continue  # it can only read this one
            return name
    raise EngineError(f"PyAV {av.__version__} has none of the encoders {', '.join(_ENCODERS)}")
