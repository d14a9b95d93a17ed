"""Turntables as MP4 and WebM files that browsers play, by encoders that bring no GPL.

PyAV's wheels also have x264 and x265, which are under the GPL: they are never used. Theirs is VP9 by libvpx (BSD), in
both files; where a build has Cisco's openh264 (BSD), the MP4 is H.264, which more players know.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from model.errors import EngineError

# Of each kind of file in order of preference, with a quality at which a turntable looks like its frames.
_VP9 = {"crf": "20", "b": "0", "deadline": "realtime", "cpu-used": "8"}
_ENCODERS: dict[str, dict[str, dict[str, str]]] = {
    ".mp4": {"libopenh264": {"b": "8M"}, "libvpx-vp9": _VP9},
    ".webm": {"libvpx-vp9": _VP9},
}
_OPTIONS = {".mp4": {"movflags": "+faststart"}, ".webm": {"cues_to_front": "1"}}
_BT709 = 1  # the colours of HDTV; a file that does not say so is shown with others by some players


def write_video(frames: Iterable[np.ndarray], file: Path, fps: int) -> None:
    """Write an MP4 or a WebM without metadata; an MP4 starts playing before it is loaded whole.

    Args:
        frames: (H, W, 3) uint8 sRGB, at least one, all of one size. An odd side loses its last row or column.
        file: where to; its suffix says which kind.
        fps: frames a second.

    Raises:
        EngineError: this build of PyAV has no encoder for browsers.
    """
    frames = iter(frames)
    first = next(frames)
    height, width = (side - side % 2 for side in first.shape[:2])  # 2 x 2 pixels share their colour
    encoder = best_encoder(file.suffix)
    options = {"fflags": "+bitexact", **_OPTIONS[file.suffix]}
    with av.open(file, "w", format=file.suffix.removeprefix("."), options=options) as container:
        stream = container.add_stream(encoder, rate=fps, options=_ENCODERS[file.suffix][encoder])
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.color_range, context.colorspace = ColorRange.MPEG, _BT709
        context.color_primaries, context.color_trc = _BT709, _BT709
        for picture in chain([first], frames):
            rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), "rgb24")
            frame = rgb.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def best_encoder(suffix: str) -> str:
    """The first encoder for such files that this build of PyAV has. suffix: `.mp4` or `.webm`.

    Raises:
        EngineError: it has none.
    """
    names = _ENCODERS[suffix]
    for name in names:
        if name in av.codecs_available:
            try:
                av.Codec(name, "w")
            except av.codec.codec.UnknownCodecError:
                continue  # it can only read this one
            return name
    raise EngineError(f"PyAV {av.__version__} has none of the encoders {', '.join(names)}")
