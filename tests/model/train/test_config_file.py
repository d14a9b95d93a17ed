"""Options of a training from a YAML file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from model.__main__ import main
from model.train.config_file import ALIASES, read_config
from model.train.errors import SettingsError
from model.train.kinds import SETTINGS, read_settings
from model.train.warp.spline.settings import SplineTraining
from tests.server import ROOT

NAMES = {"engine"}.union(*(kind.model_fields for kind in SETTINGS.values()))


def written(folder: Path, text: str) -> Path:
    file = folder / "train.yaml"
    file.write_text(text)
    return file


def test_sections_and_other_trainings_names_are_our_settings(tmp_path: Path) -> None:
    text = (ROOT / "docs/training.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    settings = read_settings(read_config(written(tmp_path, example), NAMES))
    assert isinstance(settings, SplineTraining)
    assert (settings.data, settings.out) == ((Path("people"),), Path("trained"))
    assert (settings.batch_size, settings.learning_rate, settings.workers) == (4, 1e-4, 2)
    assert (settings.max_minutes, settings.smooth_loss, settings.style_loss) == (60, 0.1, 100)
    assert all(f"`{alias}`" in text for alias in ALIASES)


def test_every_alias_means_a_setting_and_is_none_itself() -> None:
    assert set(ALIASES.values()) <= NAMES
    assert not ALIASES.keys() & NAMES


def test_a_setting_that_holds_names_itself_is_no_section(tmp_path: Path) -> None:
    file = written(tmp_path, yaml.safe_dump({"unet": {"lr": 1}, "max-steps": None, "data": ["a", "b"]}))
    assert read_config(file, NAMES) == {"unet": {"lr": 1}, "max_steps": "none", "data": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("training: {learning_rat: 1}", "'learning_rat', which is no setting: did you mean 'learning_rate'"),
        ("Lamda-Style: 1", "did you mean 'lambda_style'"),
        ("zzzz: 1", "'zzzz', which is no setting; see --help"),
        ("lr: 1\nlearning_rate: 2", "says 'learning_rate' twice"),
        ("- lr", "holds no names"),
        ("", "holds no names"),
        ("lr: [", "cannot be read as YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)):
        read_config(written(tmp_path, text), NAMES)


def test_the_command_line_wins_and_what_neither_says_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "engine: warp\nbatch_size: 0\ndata: people\nout: trained\nmax_steps: 1")
    assert main(["train", "--config", str(file)]) == 2
    assert "batch_size: Input should be greater than 0" in capsys.readouterr().err
    assert main(["train", "--config", str(file), "--batch-size", "2", "--ema", "7"]) == 2
    assert "ema: Input should be less than 1" in capsys.readouterr().err
    assert main(["train", "--config", str(written(tmp_path, "engine: warp\ndata: people"))]) == 2
    assert "out: Field required" in capsys.readouterr().err
