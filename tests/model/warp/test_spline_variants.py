"""The variants that warp by a spline, from files to files, on random networks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from model.engines.check import check
from model.engines.pack import EnginePack
from model.engines.warp.checkpoint import published_network, tps_network
from model.engines.warp.cpvton.method import CPVTON
from model.engines.warp.files import GMM, TOM, TPS, variants
from model.engines.warp.geometric.joints import joints_of_parts
from model.engines.warp.tps.network import TPSNetwork
from model.errors import InputError, WeightsError
from model.perception.skeletons import COCO_18
from model.synthetic.people.keypoints import NAMES
from model.synthetic.scene.person import random_person
from model.synthetic.scene.photos import Scene
from model.tryon.repaint import seam_radius
from tests.model.warp.conftest import Shop, copy_label_networks, write_random_weights
from tests.model.warp.test_warp_engine import levels, sample


def write_published(folder: Path) -> None:
    """Networks that know nothing, under the published names."""
    torch.manual_seed(0)
    (folder / GMM).parent.mkdir(parents=True)
    network = CPVTON()
    for file, part in ((GMM, network.gmm), (TOM, network.tom)):
        torch.save({name: _halved(tensor) for name, tensor in part.state_dict().items()}, folder / file)


def write_tps(folder: Path, width: int = 8) -> None:
    torch.manual_seed(0)
    (folder / TPS).parent.mkdir(parents=True)
    tensors = {name: _halved(tensor) for name, tensor in TPSNetwork(width).state_dict().items()}
    save_file(tensors, folder / TPS, {"width": "96", "height": "128"})


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three variants, and the built-in label networks."""
    folder = tmp_path_factory.mktemp("variants")
    write_random_weights(folder)
    write_published(folder)
    write_tps(folder)
    copy_label_networks(folder)
    return folder


@pytest.fixture
def shop(pack: Path, runner: asyncio.Runner, tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(pack, runner, tmp_path)
    yield opened
    opened.device.close()


GIVEN = {"person": sample("mira.png"), "garment": sample("stripes.png")}


@pytest.mark.parametrize("variant", ["tps", "cpvton"])
def test_a_person_is_dressed_within_the_mask_and_nowhere_else(shop: Shop, variant: str) -> None:
    out = shop.dress(GIVEN, variant=variant, return_mask=True, return_warped=True, return_flow=True)
    result, photo, mask = levels(out["result.png"]), levels(GIVEN["person"]), levels(out["mask.png"])
    assert result.shape == photo.shape
    far = cv2.dilate(mask, np.ones((8 * seam_radius(len(mask)) + 1,) * 2, np.uint8)) == 0
    assert far.mean() > 0.3
    assert np.array_equal(result[far], photo[far])
    assert (result[mask > 0] != photo[mask > 0]).mean() > 0.5
    assert levels(out["warped.png"]).shape[:2] == levels(out["flow.png"]).shape[:2]
    assert shop.job.settings["variant"] == variant


def test_rows_of_several_requests_are_as_each_alone(shop: Shop, tmp_path: Path) -> None:
    other = GIVEN | {"garment": tmp_path / "plain.png"}
    Image.new("RGB", (90, 120), (90, 40, 160)).resize((60, 90)).save(other["garment"])
    for variant in ("tps", "cpvton"):
        together = shop.dress_all([GIVEN, other], variant=variant)
        alone = levels(shop.dress(other, variant=variant)["result.png"]).astype(int)
        assert np.abs(levels(together[1]).astype(int) - alone).max() <= 2


def test_without_label_networks_the_variant_says_what_it_needs(runner: asyncio.Runner, tmp_path: Path) -> None:
    write_tps(tmp_path / "pack")
    opened = Shop(tmp_path / "pack", runner, tmp_path)
    mask = tmp_path / "mask.png"
    Image.new("L", levels(GIVEN["person"]).shape[1::-1], 255).save(mask)
    with pytest.raises(InputError, match="label networks") as caught:
        opened.dress(GIVEN | {"mask": mask})
    assert caught.value.field == "variant"
    opened.device.close()


def test_a_variant_that_is_not_there_is_refused(labelling_shop: Shop) -> None:
    assert labelling_shop.engine.choices().variants == ["dense"]
    with pytest.raises(InputError, match="'tps' is not loaded, only dense"):
        labelling_shop.dress(GIVEN, variant="tps")


def test_all_variants_of_a_pack_are_loaded_and_checked(shop: Shop, pack: Path) -> None:
    assert shop.engine.choices().variants == ["dense", "tps", "cpvton"] == variants(pack)
    assert {call.name for call in shop.engine.warm_calls(96, 128)} == {"dense", "tps", "cpvton"}
    (report,) = (report for report in check(EnginePack(pack)) if report.engine == "warp")
    assert report.problems == []
    assert len(report.parameters) == 3


def test_a_published_file_of_another_shape_is_named_with_its_key(tmp_path: Path) -> None:
    write_published(tmp_path)
    tensors = torch.load(tmp_path / TOM, weights_only=True)
    tensors["model.model.1.weights"] = tensors.pop("model.model.0.weight")
    torch.save(tensors, tmp_path / TOM)
    with pytest.raises(WeightsError, match=r"unexpected key 'model\.model\.1\.weights'"):
        published_network(tmp_path).load(torch.device("cpu"), torch.float32)
    (report,) = check(EnginePack(tmp_path))
    assert any("tom_final.pth: missing key 'model.model.0.weight'" in problem for problem in report.problems)


def test_half_a_pair_of_published_files_is_missed(tmp_path: Path) -> None:
    write_published(tmp_path)
    (tmp_path / GMM).unlink()
    assert EnginePack(tmp_path).missing("warp") == [GMM]


def test_the_networks_are_as_large_as_they_are_said_to_be(tmp_path: Path) -> None:
    def count(module: nn.Module) -> int:
        return sum(parameter.numel() for parameter in module.parameters())

    with torch.device("meta"):
        network = TPSNetwork()
    assert count(network.gmm) == pytest.approx(14.34e6, rel=1e-3)
    assert count(network.tom) == pytest.approx(31.38e6, rel=1e-3)
    assert count(network.seg) == pytest.approx(7.8e6, rel=0.02)
    write_tps(tmp_path, 4)
    assert count(tps_network(tmp_path).module) < 0.01 * count(network)


def test_joints_lie_where_parts_of_the_body_touch() -> None:
    assert NAMES == COCO_18
    apart: dict[str, list[float]] = {name: [] for name in NAMES}
    for seed in range(6):
        person = random_person(np.random.default_rng(seed), "upper")
        picture = Scene(person, 192, 256).photo(person, {})
        joints = joints_of_parts(picture.densepose)
        for name, joint, truth in zip(NAMES, joints, picture.keypoints, strict=True):
            if joint[2] > 0 and truth[2] == 1:
                apart[name].append(float(np.linalg.norm(joint[:2] - truth[:2])))
    elbows, shoulders = (apart[f"right_{name}"] + apart[f"left_{name}"] for name in ("elbow", "shoulder"))
    assert min(len(elbows), len(shoulders)) >= 6
    assert np.median(elbows) < 4
    assert np.median([*shoulders, *apart["neck"]]) < 20
    assert not apart["left_eye"]
