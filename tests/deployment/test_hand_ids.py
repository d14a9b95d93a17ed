"""The one pickle among the published files is opened without trusting it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packs.hand_ids import convert_hand_ids
from packs.weight_errors import PickleRefusedError


class Calls:
    """Pickled, it is a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def converted(tmp_path: Path, content: bytes) -> dict[str, list[int]]:
    source, target = tmp_path / "ids.pkl", tmp_path / "ids.npz"
    source.write_bytes(content)
    convert_hand_ids(source, target)
    with np.load(target, allow_pickle=False) as arrays:
        return {name: arrays[name].tolist() for name in arrays.files}


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize("kind", ["<i8", "<i4", ">i4", "<u2"])
def test_arrays_of_every_protocol_and_type(tmp_path: Path, protocol: int, kind: str) -> None:
    hands = {"left_hand": np.array([5000, 7], kind), "right_hand": np.arange(3, dtype=kind)}
    found = converted(tmp_path, pickle.dumps(hands, protocol=protocol))
    assert found == {"left_hand": [5000, 7], "right_hand": [0, 1, 2]}


def test_lists(tmp_path: Path) -> None:
    hands = {"left_hand": [5, 6], "right_hand": [7]}
    assert converted(tmp_path, pickle.dumps(hands)) == hands


def test_as_python_2_wrote_it(tmp_path: Path) -> None:
    content = (
        b"(dp0\nS'left_hand'\np1\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\ntcnumpy\n"
        b"dtype\n(S'i4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x01\\x00\\x00\\x00\\xff\\x00\\x00\\x00'\ntbs"
        b"S'right_hand'\n(lp2\nI4\nas."
    )
    assert converted(tmp_path, content) == {"left_hand": [1, 255], "right_hand": [4]}


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (Calls(os.system, "touch pwned"), "system"),
        (Calls(eval, "open('pwned', 'w')"), "builtins.eval"),
        (Calls(getattr, "text", "format"), "builtins.getattr"),
        (Calls(np.load, "pwned"), "load"),
        (Calls(bytearray, 2**40), "builtins.bytearray"),
    ],
    ids=["system", "eval", "getattr", "numpy", "memory"],
)
def test_a_call_is_refused_before_it_is_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Calls, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({"left_hand": [1], "right_hand": [call]})
    with pytest.raises(PickleRefusedError, match=f"it names .*{named}"):
        converted(tmp_path, content)
    assert os.listdir(tmp_path) == ["ids.pkl"]


def test_a_module_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PickleRefusedError, match=r"it names trap\.door"):
        converted(tmp_path, b"ctrap\ndoor\n.")


@pytest.mark.parametrize(
    "hands",
    [
        {"left_hand": [1]},
        [1, 2],
        {"left_hand": [1.5], "right_hand": [1]},
        {"left_hand": "abc", "right_hand": [1]},
        {"left_hand": np.array([1.5]), "right_hand": [1]},
        {"left_hand": np.array([{}]), "right_hand": [1]},
        {"left_hand": np.zeros((2, 2), int), "right_hand": [1]},
    ],
    ids=["one hand", "a list", "fractions", "text", "an array of fractions", "an array of objects", "a plane"],
)
def test_anything_but_two_lists_of_whole_numbers_is_refused(tmp_path: Path, hands: Any) -> None:
    with pytest.raises(PickleRefusedError):
        converted(tmp_path, pickle.dumps(hands, protocol=2))
    assert not (tmp_path / "ids.npz").exists()


@pytest.mark.parametrize("cut", [1, 40, 90, 150])
def test_a_damaged_one_is_refused(tmp_path: Path, cut: int) -> None:
    content = pickle.dumps({"left_hand": np.arange(3), "right_hand": np.arange(3)}, protocol=2)
    with pytest.raises(PickleRefusedError):
        converted(tmp_path, content[:cut])


def test_a_forged_shape_is_refused(tmp_path: Path) -> None:
    content = pickle.dumps({"left_hand": np.arange(3), "right_hand": np.arange(3)}, protocol=0)
    forged = content.replace(b"(I3\nt", b"(I1000000000000\nt").replace(b"I3\ntp", b"I1000000000000\ntp")
    assert forged != content
    with pytest.raises(PickleRefusedError):
        converted(tmp_path, forged)


def test_a_huge_one_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(PickleRefusedError, match="too many"):
        converted(tmp_path, bytes(2**20 + 1))
