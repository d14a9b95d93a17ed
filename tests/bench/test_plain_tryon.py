"""The plain try-on paints what ours does: with what was trained, and with the published kind of schedule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.contest import Contest, share_of_allowed
from bench.dressing import Dressing
from bench.flops import tryon_flops
from bench.outfitting import Outfitting
from bench.outfitting_pack import write_pack
from bench.sd15 import write_configs
from model.runtime.device import open_device
from model.weights.pack import DEMO
from tests.untrained import write_untrained_tryon

SIZE = (64, 96)


@pytest.fixture(params=["demo: v, trailing, latents of 12 channels", "epsilon, leading, of 4"])
def dressing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dressing]:
    weights = DEMO
    if request.param.startswith("epsilon"):
        weights = tmp_path / "pack"
        write_untrained_tryon(weights)
    both = Dressing(weights, open_device("cpu"), tmp_path)
    yield both
    both.close()


def agree(contest: Contest) -> bool:
    plain = contest.plain(0)
    return plain.float().std().item() > 0 and share_of_allowed(plain, contest.ours(0), plain) <= 1


def test_every_stage_comes_to_the_same(dressing: Dressing) -> None:
    stages = dressing.stages(SIZE, pairs=0)
    assert [contest.what for contest in stages if agree(contest)] == ["encode a picture", "a step", "decode a picture"]


def test_a_whole_try_on_comes_to_the_same(dressing: Dressing) -> None:
    assert agree(dressing.whole(SIZE, steps=2, pairs=0))


def test_no_try_on_can_be_remembered(dressing: Dressing) -> None:
    one, other = (dressing.files(i) for i in range(2))
    assert all(one[name].read_bytes() != other[name].read_bytes() for name in ("person", "garment", "mask"))


def test_flops_of_the_published_size_are_the_papers(tmp_path: Path) -> None:
    write_configs(tmp_path)
    flops = tryon_flops(tmp_path, (384, 512))
    assert round(flops.row / 1e9) == 1249
    assert flops.request(steps=2, rows=2) == 2 * flops.encode + 4 * flops.row + flops.decode


@pytest.fixture(scope="module")
def outfitting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outfitting]:
    folder = tmp_path_factory.mktemp("outfitting")
    write_pack(folder / "pack", seed=0, small=True)
    both = Outfitting(folder / "pack", open_device("cpu"), folder)
    yield both
    both.close()


def test_every_stage_of_ootdiffusion_comes_to_the_same(outfitting: Outfitting) -> None:
    stages = outfitting.stages(SIZE, pairs=0)
    agreeing = [contest.what for contest in stages if agree(contest)]
    assert agreeing == ["a garment and a step", "a step", "decode a picture"]
    assert all(plain >= ours > 0 for plain, ours in (contest.flops() for contest in stages))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of diffusers
def test_a_whole_try_on_of_ootdiffusion_comes_to_the_same(outfitting: Outfitting) -> None:
    assert agree(outfitting.whole(SIZE, steps=3, pairs=0))
