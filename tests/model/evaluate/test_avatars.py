"""Avatars of made-up people, judged against the truth."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.__main__ import main
from model.engines.template.files import MATTING
from model.evaluate.avatars import views
from model.evaluate.avatars.judging import SIZE, filled
from model.evaluate.avatars.labels import layers_right, place_errors, true_labels
from model.evaluate.avatars.people import UNSEEN, JudgedPerson
from model.weights.pack import DEMO
from tests.model.template.conftest import untrained_weights


@pytest.fixture(scope="module")
def person() -> JudgedPerson:
    return JudgedPerson(UNSEEN, photos=2, size=SIZE)


def test_the_truth_itself_has_no_error(person: JudgedPerson) -> None:
    true, layers = person.views, person.layers
    assert views.psnr_in_union(true, true) == views.psnr_of_garments(true, true, layers) == 60
    assert views.outline_iou(true, true) == 1
    assert views.colour_error(true, true, layers) == pytest.approx(0, abs=1e-4)
    assert views.gradient_kept(true, true, layers) == 1
    assert views.nearest_of(true, person.alike()) == 0


def test_mean_colours_in_true_outlines_have_no_patterns(person: JudgedPerson) -> None:
    baseline = filled(person)
    assert views.outline_iou(baseline, person.views) == 1
    assert views.gradient_kept(baseline, person.views, person.layers) < 0.1
    assert 10 < views.psnr_in_union(baseline, person.views) < 40


def test_another_colour_and_another_outline_are_seen(person: JudgedPerson) -> None:
    other = person.views.copy()
    other[..., 0] = 0
    assert views.colour_error(other, person.views, person.layers) > 5
    moved = np.roll(person.views, 5, axis=2)
    assert views.outline_iou(moved, person.views) < 0.9
    assert math.isnan(views.psnr(other, person.views, np.zeros(person.layers.shape, np.bool_)))


def test_true_labels_lie_where_the_person_is_in_the_framed_photo(person: JudgedPerson) -> None:
    """Framed here as it is in the photo, but smaller and in the middle of a square."""
    framed = []
    for photo in person.photos:
        square = Image.new("RGBA", (512, 512))
        square.paste(photo.picture, (100, 60))
        framed.append(square)
    true = true_labels(person.photos, framed, 128)
    alphas = np.stack([np.asarray(square.resize((128, 128)).getchannel("A")) for square in framed])
    assert ((true.layers > 0) == (alphas > 127)).mean() > 0.99
    assert layers_right(true.layers, true) == 1
    assert place_errors(true.places + 0.01, true) == pytest.approx(0.01 * math.sqrt(3), rel=1e-3)


def test_an_engine_is_judged_by_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = untrained_weights(tmp_path / "weights")
    (weights / "perception").mkdir()
    shutil.copyfile(DEMO / MATTING, weights / MATTING)
    out = tmp_path / "out"
    command = ["evaluate", "--task", "avatar", "--count", "1", "--device", "cpu"]
    assert main([*command, "--model-dir", str(weights), "--out", str(out)]) == 0
    said = json.loads((out / "evaluation.json").read_text())
    assert said["people"] == 1
    assert 0 < said["means"]["iou"] < 1
    assert said["means"]["place_median"] > 5
    assert "| PSNR in the union of outlines, dB ↑ |" in (out / "evaluation.md").read_text()
    assert (out / "contact_sheet.png").is_file()
    assert main([*command, "--model-dir", str(weights), "--engine", "catvton", "--out", str(out)]) == 1
    assert "catvton" in capsys.readouterr().err
