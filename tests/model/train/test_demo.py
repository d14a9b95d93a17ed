"""The recipe of the demo pack, with a budget of seconds."""

from __future__ import annotations

from pathlib import Path

from model.engines.check import check
from model.engines.pack import EnginePack
from model.train.demo import Plan, make

PLAN = Plan(64, 64, 4, 2, autoencoder_minutes=1e-3, tryon_minutes=1e-3, maskfree_minutes=1e-3, batch_size=2)


def test_one_command_makes_both_variants_from_nothing_and_goes_on_where_it_was(tmp_path: Path) -> None:
    make(PLAN, tmp_path / "work", tmp_path / "pack", processes=1)
    pack = EnginePack(tmp_path / "pack")
    (report,) = check(pack)
    assert report.problems == []
    assert {file.parts[0] for file in map(Path, pack.manifest.files)} == {"catvton", "catvton_maskfree"}
    assert pack.defaults("catvton")["width"] == PLAN.width
    people = tmp_path / "work/people"
    before = {file: file.stat().st_mtime_ns for file in people.rglob("*") if file.is_file()}
    assert len(list(people.rglob("*_0.jpg"))) == 2 * PLAN.people  # and in another garment
    make(PLAN, tmp_path / "work", tmp_path / "pack", processes=1)
    assert {file: file.stat().st_mtime_ns for file in people.rglob("*") if file.is_file()} == before
