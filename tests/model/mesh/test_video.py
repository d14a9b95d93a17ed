"""Turntable videos: decoded again, they show the frames they were made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from model.errors import EngineError
from model.mesh import video
from model.mesh.video import best_encoder, write_video


def moving_square(count: int, height: int, width: int) -> list[np.ndarray]:
    """A coloured square that walks over a plain ground."""
    frames = []
    for index in range(count):
        frame = np.full((height, width, 3), (235, 235, 240), dtype=np.uint8)
        frame[20:60, 10 + 4 * index : 50 + 4 * index] = (200, 40, 60)
        frames.append(frame)
    return frames


def decode(file: Path) -> tuple[list[np.ndarray], av.VideoStream, dict[str, str]]:
    with av.open(file) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return frames, stream, dict(container.metadata)


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_the_frames_come_back_in_order_and_colour(kind: str, tmp_path: Path) -> None:
    written = moving_square(12, 96, 128)
    write_video(written, tmp_path / f"turn.{kind}", fps=24)
    read, stream, _ = decode(tmp_path / f"turn.{kind}")
    assert len(read) == 12
    assert stream.average_rate == 24
    for before, after in zip(written, read, strict=True):
        assert np.abs(before.astype(int) - after).mean() < 2
        square = np.abs(before - np.array([200, 40, 60])).sum(-1) == 0
        middle = after[square].reshape(40, 40, 3)[8:-8, 8:-8].reshape(-1, 3).mean(0)
        assert np.abs(middle - [200, 40, 60]).max() < 4


def test_browsers_can_play_it_while_it_loads(tmp_path: Path) -> None:
    write_video(moving_square(3, 64, 64), tmp_path / "turn.mp4", fps=10)
    content = (tmp_path / "turn.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    _, stream, _ = decode(tmp_path / "turn.mp4")
    assert stream.codec_context.name in {"h264", "vp9"}
    assert stream.codec_context.pix_fmt == "yuv420p"


def test_it_says_its_colours_and_nothing_else(tmp_path: Path) -> None:
    write_video(moving_square(3, 64, 64), tmp_path / "turn.mp4", fps=10)
    _, stream, metadata = decode(tmp_path / "turn.mp4")
    assert (stream.codec_context.colorspace, stream.codec_context.color_primaries) == (1, 1)
    assert "encoder" not in metadata
    assert "creation_time" not in metadata


def test_odd_sides_lose_a_row_or_column(tmp_path: Path) -> None:
    write_video(moving_square(2, 65, 95), tmp_path / "odd.mp4", fps=10)
    assert decode(tmp_path / "odd.mp4")[0][0].shape == (64, 94, 3)


def test_a_generator_is_enough(tmp_path: Path) -> None:
    write_video((frame for frame in moving_square(5, 64, 64)), tmp_path / "turn.mp4", fps=10)
    assert len(decode(tmp_path / "turn.mp4")[0]) == 5


def test_equal_frames_make_equal_files_whatever_was_in_memory_before(tmp_path: Path) -> None:
    """In processes whose fresh memory holds different bytes: an encoder that reads what nobody wrote shows here."""
    np.save(tmp_path / "frames.npy", moving_square(16, 64, 64))
    script = (
        "import sys; from pathlib import Path; import numpy as np; from model.mesh.video import write_video;"
        "write_video(np.load(sys.argv[1]), Path(sys.argv[2]), fps=10)"
    )
    for garbage in ("0", "77"):
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "frames.npy"), str(tmp_path / f"{garbage}.mp4")],
            env={**os.environ, "MALLOC_PERTURB_": garbage},
            check=True,
            timeout=600,
        )
    assert (tmp_path / "0.mp4").read_bytes() == (tmp_path / "77.mp4").read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_no_encoder_under_the_gpl_is_used(suffix: str) -> None:
    assert best_encoder(suffix) in ("libopenh264", "libvpx-vp9")  # both BSD


def test_a_build_without_any_of_them_says_which_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(video._ENCODERS, ".mp4", {"libnothing": {}})
    with pytest.raises(EngineError, match="libnothing"):
        best_encoder(".mp4")
