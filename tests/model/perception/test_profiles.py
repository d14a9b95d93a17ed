"""How a perception file is asked is found in the file, beside it, or among the published ones, in this order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model.errors import WeightsError
from model.perception import builtin_profiles
from model.perception.builtin_profiles import Published
from model.perception.matting import OnnxMatting
from model.perception.parsing import Parsing
from model.perception.profile import Profile
from tests.model.perception.networks import write_colours, write_isnet, write_shares

RED, GREEN, BLUE, WHITE = (230, 20, 30), (20, 200, 40), (20, 40, 220), (250, 250, 250)
CHART = {RED: 5, GREEN: 9, BLUE: 13, WHITE: 0}
SCHP_MEAN, SCHP_STD = (0.406, 0.456, 0.485), (0.225, 0.224, 0.229)
OTHER: dict[str, Any] = {"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)}


def chart(width: int, height: int) -> Image.Image:
    """Four colours in the four quarters."""
    picture = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill=BLUE)
    return picture


def truth(width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    labels = np.zeros((height, width), np.uint8)
    labels[: height // 2, : width // 2] = CHART[RED]
    labels[: height // 2, width // 2 :] = CHART[GREEN]
    labels[height // 2 :, : width // 2] = CHART[BLUE]
    return labels


def parser(file: Path, order: str = "RGB", classes: int = 20, **more: Any) -> Path:
    turned = {
        name: [level / 255 for level in (colour if order == "RGB" else colour[::-1])] for colour, name in CHART.items()
    }
    options: dict[str, Any] = {
        "input_name": "pixels",
        "shape": (1, 3, 64, 48),
        "output_names": ["logits"],
        "used": 0,
        **OTHER,
    } | more
    return write_colours(file, turned, classes=classes, **options)


def sidecar(file: Path, **keys: Any) -> None:
    file.with_suffix(".json").write_text(json.dumps(keys))


def assert_chart_is_read(parsing: Parsing, sizes: list[tuple[int, int]]) -> None:
    """Every pixel farther than one of its own, or of the input's, from a border has the name of its colour."""
    for width, height in sizes:
        labels, right = parsing.labels(chart(width, height)), truth(width, height)
        assert labels.shape == right.shape
        reach = 1 + max(width, height) / min(parsing.network.width, parsing.network.height)
        rows, columns = np.abs(np.arange(height) + 0.5 - height // 2), np.abs(np.arange(width) + 0.5 - width // 2)
        inside = (rows > reach)[:, None] & (columns > reach)[None]
        assert (labels == right)[inside].all(), (width, height)


ODD_SIZES = [(97, 131), (131, 97), (48, 64), (61, 59)]


@pytest.mark.parametrize("resize", ["bilinear", "area", "lanczos", "linear"])
@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_a_sidecar_describes_a_file_that_says_nothing(tmp_path: Path, order: str, resize: str) -> None:
    file = parser(tmp_path / "parsing.onnx", order)
    sidecar(file, geometry="stretch", channel_order=order, resize=resize, labels="lip", **OTHER)
    parsing = Parsing(file, 20)
    assert parsing.network.described_by == "parsing.json"
    assert parsing.network.profile.labels == "lip"
    assert_chart_is_read(parsing, ODD_SIZES)


def test_channels_may_come_last_and_sizes_from_the_sidecar(tmp_path: Path) -> None:
    file = parser(tmp_path / "last.onnx", shape=(1, "height", "width", 3))
    sidecar(file, geometry="stretch", channel_order="RGB", layout="nhwc", size=[80, 56], **OTHER)
    parsing = Parsing(file, 20)
    assert (parsing.network.height, parsing.network.width) == (80, 56)
    assert_chart_is_read(parsing, ODD_SIZES)


def test_an_open_size_that_nobody_gives_is_refused(tmp_path: Path) -> None:
    file = parser(tmp_path / "open.onnx", shape=(1, 3, "height", "width"))
    sidecar(file, geometry="stretch", channel_order="RGB", **OTHER)
    with pytest.raises(WeightsError, match=r"open\.onnx: the input's size .* is not fixed, and no 'size' is given"):
        Parsing(file, 20)


@pytest.mark.parametrize(("classes", "fits"), [(20, True), (18, False)])
def test_a_number_of_classes_the_file_leaves_open_is_found_by_asking(tmp_path: Path, classes: int, fits: bool) -> None:
    file = parser(tmp_path / "open.onnx", classes=classes, stated_classes="classes")
    sidecar(file, geometry="stretch", channel_order="RGB", **OTHER)
    if fits:
        assert_chart_is_read(Parsing(file, 20), ODD_SIZES)
        return
    with pytest.raises(WeightsError, match=r"the output is \[1, 18, 64, 48\], expected \[1, 20, h, w\]"):
        Parsing(file, 20)


def test_metadata_comes_before_the_sidecar(tmp_path: Path) -> None:
    told = {"geometry": "stretch", "channel_order": "RGB", "mean": "0.1, 0.2, 0.3", "std": "0.5, 0.6, 0.7"}
    file = parser(tmp_path / "told.onnx", metadata=told | {"author": "somebody"})
    sidecar(file, geometry="stretch", channel_order="BGR", **OTHER)
    parsing = Parsing(file, 20)
    assert parsing.network.described_by == "its metadata"
    assert_chart_is_read(parsing, ODD_SIZES)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"geometry": "stretch"}, r"parsing\.json: key channel_order: Field required"),
        ({"geometry": "box", "channel_order": "RGB", **OTHER}, r"parsing\.json: key geometry: Input should be"),
        ({"geometry": "stretch", "channel_order": "RGB", "colour": 1, **OTHER}, r"parsing\.json: key colour: Extra"),
        ({"geometry": "stretch", "channel_order": "RGB", "output": 3, **OTHER}, r"no output 3; there are logits"),
        ({"geometry": "stretch", "channel_order": "RGB", "output": "edge", **OTHER}, "no output 'edge'; there are"),
        ({"geometry": "affine", "channel_order": "RGB", **OTHER}, "geometry 'affine' needs a square input"),
    ],
)
def test_a_wrong_sidecar_is_named_with_its_key(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    file = parser(tmp_path / "parsing.onnx")
    sidecar(file, **keys)
    with pytest.raises(WeightsError, match=said):
        Parsing(file, 20)


def test_a_sidecar_that_is_no_json_is_named(tmp_path: Path) -> None:
    file = parser(tmp_path / "parsing.onnx")
    file.with_suffix(".json").write_text("{'single': quotes}")
    with pytest.raises(WeightsError, match=r"parsing\.json: "):
        Parsing(file, 20)


def test_a_file_that_nobody_describes_says_what_to_write(tmp_path: Path) -> None:
    file = parser(tmp_path / "parsing.onnx")
    with pytest.raises(WeightsError, match=r"put parsing\.json beside it, with geometry, channel_order, mean, std"):
        Parsing(file, 20)


@pytest.mark.parametrize(("side", "classes", "name"), [(473, 20, "SCHP (LIP)"), (512, 18, "SCHP (ATR)")])
def test_schp_is_known_by_its_names_and_shapes_and_its_second_output_is_used(
    tmp_path: Path, side: int, classes: int, name: str
) -> None:
    schp: dict[str, Any] = {
        "input_name": "input.1",
        "shape": (1, 3, side, side),
        "output_names": ["1", "2", "3"],
        "used": 1,
    }
    file = parser(tmp_path / "parsing.onnx", classes=classes, mean=SCHP_MEAN, std=SCHP_STD, **schp)
    parsing = Parsing(file, classes)
    assert parsing.network.described_by == f"built-in profile '{name}'"
    assert_chart_is_read(parsing, [(97, 131), (300, 77)])


def test_a_published_file_is_known_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = parser(tmp_path / "parsing.onnx")
    content = file.read_bytes()
    known = Published("chart", Profile(**OTHER), len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(builtin_profiles, "BY_DIGEST", (known,))
    assert Parsing(file, 20).network.described_by == "built-in profile 'chart'"
    other = Published("chart", known.profile, len(content), hashlib.sha256(b"another").hexdigest())
    monkeypatch.setattr(builtin_profiles, "BY_DIGEST", (other,))
    with pytest.raises(WeightsError, match="nothing says how it is asked"):
        Parsing(file, 20)


def test_a_git_lfs_pointer_is_called_one(tmp_path: Path) -> None:
    file = tmp_path / "matting.onnx"
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    for opened in (lambda: OnnxMatting(file), lambda: Parsing(file, 20)):
        with pytest.raises(WeightsError, match=r"matting\.onnx: is a Git LFS pointer"):
            opened()


def test_u2net_is_known_and_its_shares_are_taken_as_they_are(tmp_path: Path) -> None:
    matting = OnnxMatting(write_shares(tmp_path / "matting.onnx"))
    assert matting.network.described_by == "built-in profile 'U2-Net'"
    alpha = np.asarray(matting.alpha(chart(90, 60)))
    assert alpha[4:26, 4:41].min() > 250
    assert alpha[34:].max() < 5
    assert alpha[:, 49:].max() < 5


@pytest.mark.parametrize(("write", "name"), [(write_shares, "U2-Net"), (write_isnet, "IS-Net")])
@pytest.mark.parametrize("size", ODD_SIZES)
def test_mattes_lie_where_somebody_is_at_odd_sizes(
    tmp_path: Path, write: Callable[[Path], Path], name: str, size: tuple[int, int]
) -> None:
    """The red quarter, to a pixel of the photo."""
    matting = OnnxMatting(write(tmp_path / "matting.onnx"))
    assert matting.network.described_by == f"built-in profile '{name}'"
    alpha = np.asarray(matting.alpha(chart(*size)))
    right, bottom = size[0] // 2, size[1] // 2
    assert alpha.shape == size[::-1]
    assert alpha[: bottom - 1, : right - 1].min() > 200
    assert alpha[bottom + 1 :].max() < 55
    assert alpha[:, right + 1 :].max() < 55


def test_shares_that_are_read_as_logits_are_refused(tmp_path: Path) -> None:
    """As U2-Net's side outputs were: a sigmoid of shares is 0.5 to 0.73 all over."""
    file = write_shares(tmp_path / "matting.onnx", outputs=6)
    with pytest.raises(WeightsError, match=r"read as logits, but lies in 0\.70\.\.0\.70 .*\"activation\": \"none\""):
        OnnxMatting(file)
    sidecar(file, activation="none", output="d0")
    assert np.asarray(OnnxMatting(file).alpha(chart(90, 60)))[34:].max() < 5


def test_somebody_everywhere_on_a_plain_picture_is_refused(tmp_path: Path) -> None:
    file = write_shares(tmp_path / "matting.onnx", outputs=6)
    sidecar(file, activation="none", output=-1)
    with pytest.raises(WeightsError, match=r"finds somebody all over a plain picture \(alpha is at least 0\.70\)"):
        OnnxMatting(file)
