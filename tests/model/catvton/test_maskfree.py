"""The mask-free variant: chosen, loaded and run without anybody drawing a mask."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from model.engines.catvton import checkpoint
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.files import VERSIONS, attention_file
from model.engines.check import check
from model.engines.pack import EnginePack
from model.errors import InputError, WeightsError
from model.tryon.pictures import crop_box
from tests.model.catvton.replay import GREY_LEVELS, Case, grey_levels
from tests.model.catvton.test_tryon import FILES, GARMENT, PERSON, Studio
from tests.model.conftest import GOLDEN_MASKFREE
from tests.model.tryon.drawing import array, opened

UNMASKED = {"person": PERSON, "garment": GARMENT}


@pytest.fixture
def studio(maskfree: CatVTON, runner: asyncio.Runner, tmp_path: Path) -> Studio:
    return Studio(maskfree, runner, tmp_path)


@pytest.mark.parametrize("name", ["mf_w96h128_s4_g2.5", "mf_w96h128_s4_g1.0_eta0"])
def test_with_one_seed_for_all_the_result_is_the_published_one(
    both: CatVTON, runner: asyncio.Runner, tmp_path: Path, name: str
) -> None:
    case = Case(GOLDEN_MASKFREE / "cases" / name, GOLDEN_MASKFREE / "inputs")
    files = {field: case.inputs / f"{case.call[field]}.png" for field in ("person", "garment")}
    fields = {field: case.call[field] for field in ("width", "height", "steps", "guidance", "eta")}
    studio = Studio(both, runner, tmp_path)
    (result,) = studio.dress(files, mask=None, variant="maskfree", repaint=False, seed=42, **fields)
    assert grey_levels(array(opened(result)), case.result(0)) <= GREY_LEVELS


def test_it_is_the_default_where_only_its_weights_are(studio: Studio) -> None:
    by_default, asked_for = (
        studio.dress(UNMASKED, mask=None, variant=variant)[0].read_bytes() for variant in (None, "maskfree")
    )
    assert by_default == asked_for


def test_the_mask_based_one_is_the_default_where_both_are(
    both: CatVTON, runner: asyncio.Runner, tmp_path: Path
) -> None:
    studio = Studio(both, runner, tmp_path)
    by_default, asked_for, other = (
        studio.dress(variant=variant)[0].read_bytes() for variant in (None, "mask", "maskfree")
    )
    assert by_default == asked_for != other


@pytest.mark.parametrize(("engine", "absent"), [("maskfree", "mask"), ("tryon", "maskfree")])
def test_a_variant_that_is_not_loaded_is_refused(
    request: pytest.FixtureRequest, runner: asyncio.Runner, tmp_path: Path, engine: str, absent: str
) -> None:
    studio = Studio(request.getfixturevalue(engine), runner, tmp_path)
    with pytest.raises(InputError) as caught:
        studio.dress(variant=absent)
    assert (caught.value.code, caught.value.field) == ("variant_not_loaded", "variant")


def test_a_mask_is_not_used_and_the_client_hears_it(studio: Studio) -> None:
    with_mask = studio.dress(FILES)[0].read_bytes()
    assert [warning["code"] for warning in studio.job.warnings] == ["mask_unused"]
    assert with_mask == studio.dress(UNMASKED, mask=None)[0].read_bytes()
    assert studio.job.warnings == []


def test_the_result_replaces_the_crop_and_the_rest_of_the_photo_stays(studio: Studio) -> None:
    (file,) = studio.dress(UNMASKED, mask=None, width=64, height=128)
    result, photo = opened(file), opened(PERSON)
    assert result.size == photo.size
    left, top, right, bottom = crop_box(photo.size, (64, 128))
    changed = (array(result) != array(photo)).any(axis=2)
    assert changed[top:bottom, left:right].mean() > 0.9
    changed[top:bottom, left:right] = False
    assert right - left < photo.width
    assert not changed.any()


def test_sample_i_is_a_run_with_seed_plus_i(studio: Studio) -> None:
    both = studio.dress(UNMASKED, mask=None, samples=2, seed=7, repaint=False)
    for sample, seed in zip(both, (7, 8), strict=True):
        (alone,) = studio.dress(UNMASKED, mask=None, seed=seed, repaint=False)
        assert grey_levels(array(opened(sample)), array(opened(alone))) <= 1


# -- weights -----------------------------------------------------------------------------------------------------


def test_its_weights_alone_are_enough_for_the_engine(maskfree_weights: Path) -> None:
    pack = EnginePack(maskfree_weights)
    assert pack.engines == ["catvton"]
    assert len(pack.files_of("catvton")) == 6
    (report,) = check(pack)
    assert report.problems == []


def test_both_variants_are_checked_and_counted(weights: Path, maskfree_weights: Path) -> None:
    (one,) = check(EnginePack(weights))
    shutil.copytree(maskfree_weights, weights, dirs_exist_ok=True)
    (two,) = check(EnginePack(weights))
    assert two.problems == []
    assert two.bytes_on_disk > 1.9 * one.bytes_on_disk
    assert sum(two.parameters) > 1.9 * sum(one.parameters)


def test_half_a_variant_stops_the_start(weights: Path, maskfree_weights: Path) -> None:
    shutil.copytree(maskfree_weights, weights, dirs_exist_ok=True)
    attention_file(weights, "maskfree").unlink()
    assert EnginePack(weights).missing("catvton") == [
        "catvton_maskfree/attention/mix-48k-1024/attention/model.safetensors"
    ]
    assert EnginePack(weights).engines == []


def test_a_unet_of_the_other_variant_is_refused(weights: Path) -> None:
    shutil.copytree(weights / "catvton", weights / "catvton_maskfree")
    with pytest.raises(WeightsError, match=r"in_channels is 9, that of the variant 'maskfree' has 8"):
        checkpoint.unet(weights, "maskfree")


def test_the_other_name_of_its_attention_is_known(weights: Path) -> None:
    other = weights / "catvton_maskfree/attention/Mix-1024-60k/attention/model.safetensors"
    other.parent.mkdir(parents=True)
    other.touch()
    assert "Mix-1024-60k" in VERSIONS
    assert attention_file(weights, "maskfree") == other
