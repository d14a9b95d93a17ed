"""The table of instance types against what AWS says of them, and what fits and costs."""

from __future__ import annotations

import gzip
import json
import pkgutil
from typing import Any

import botocore.session
import pytest
from instances import PAGE, main
from rent.instance_types import INSTANCES
from rent.needs import NEEDS_FILE, Need, read_needs
from rent.page import fits, most_rows, page, profile_of

from model.engines.catvton.memory import resident_bytes
from model.engines.catvton.request import Request


def _offered(shape: str) -> set[str]:
    model = botocore.session.get_session().get_service_model("sagemaker")
    return set(model.shape_for(shape).enum)


def _ec2_types() -> dict[str, Any]:
    """What EC2's DescribeInstanceTypes answered when moto recorded it."""
    packed = pkgutil.get_data("moto", "ec2/resources/instance_types.json.gz")
    assert packed is not None
    recorded: dict[str, Any] = json.loads(gzip.decompress(packed))
    return recorded


def test_every_type_can_host_an_endpoint() -> None:
    assert INSTANCES.keys() <= _offered("ProductionVariantInstanceType")


def test_types_for_batch_transform_are_those_it_offers() -> None:
    ours = {name for name, instance in INSTANCES.items() if instance.batch_transform}
    assert ours == INSTANCES.keys() & _offered("TransformInstanceType")


def test_every_size_of_a_family_is_there() -> None:
    families = {name.split(".")[1] for name in INSTANCES}
    offered = {name for name in _offered("ProductionVariantInstanceType") if name.split(".")[1] in families}
    assert offered == INSTANCES.keys()


def test_sizes_are_those_ec2_states() -> None:
    types = _ec2_types()
    for name, ours in INSTANCES.items():
        stated = types[name.removeprefix("ml.")]
        (gpu,) = stated["GpuInfo"]["Gpus"]
        assert ours.gpu == gpu["Name"], name
        assert ours.gpus == gpu["Count"], name
        assert ours.gpu_memory_gib == gpu["MemoryInfo"]["SizeInMiB"] / 1024, name
        assert ours.vcpus == stated["VCpuInfo"]["DefaultVCpus"], name
        assert ours.memory_gib == stated["MemoryInfo"]["SizeInMiB"] / 1024, name
        assert ours.nvme_gb == stated["InstanceStorageInfo"]["TotalSizeInGB"], name


def test_the_page_is_up_to_date() -> None:
    assert page() == PAGE.read_text()


def test_networks_have_the_sizes_that_were_published() -> None:
    parameters = json.loads(NEEDS_FILE.read_bytes())["parameters"]
    assert parameters == {
        "try-on UNet": 815_572_804,
        "OOTDiffusion's garment UNet": 859_520_964,
        "OOTDiffusion's denoising UNet": 859_532_484,
        "CLIP's image encoder": 303_966_208,
        "autoencoder": 83_653_863,
        "avatar UNet": 865_910_724,
        "adapter": 176_517_440,
        "DINOv2": 304_368_640,
        "shape predictor": 104_482_836,
        "feature aggregator": 54_453_056,
    }


@pytest.mark.parametrize(("dtype", "itemsize"), [("float16", 2), ("float32", 4)])
def test_weights_are_what_the_engines_keep(dtype: str, itemsize: int) -> None:
    parameters = json.loads(NEEDS_FILE.read_bytes())["parameters"]
    tables = 0.03  # of a UNet's weights: the layers that make something of a timestep are a table instead
    (tryon,) = (need for need in _needs("tryon", dtype) if need.rows == 2)
    in_dtype = itemsize * (parameters["try-on UNet"] + parameters["autoencoder"])
    assert (1 - tables) * in_dtype < tryon.weights <= in_dtype
    unets = parameters["OOTDiffusion's garment UNet"] + parameters["OOTDiffusion's denoising UNet"]
    in_dtype, in_full = itemsize * (2 * unets + parameters["autoencoder"]), 4 * parameters["CLIP's image encoder"]
    for ootdiffusion in _needs("ootdiffusion", dtype):
        assert (1 - tables) * in_dtype < ootdiffusion.weights - in_full <= in_dtype
    (avatar,) = (need for need in _needs("avatar", dtype) if need.rows == 1)
    names = ("avatar UNet", "autoencoder", "adapter", "adapter", "DINOv2")
    in_dtype = itemsize * sum(parameters[name] for name in names)
    in_full = 4 * (parameters["shape predictor"] + parameters["feature aggregator"])
    assert (1 - tables) * in_dtype < avatar.weights - in_full <= in_dtype + 2**20  # buffers of normalisations


def test_jobs_hold_what_the_engine_says() -> None:
    request = Request.model_validate({"person": "p", "garment": "g", "width": 768, "height": 1024})
    assert {need.jobs for need in _needs("tryon", "float16") if need.rows == 8} == {4 * resident_bytes(request)}


def test_less_memory_holds_less() -> None:
    needs = read_needs()
    t4, a10g, l40s = (INSTANCES[f"ml.{name}.xlarge"] for name in ("g4dn", "g5", "g6e"))
    assert most_rows(needs, "float32", t4) < most_rows(needs, "float32", a10g) <= most_rows(needs, "float32", l40s)
    assert profile_of("avatar", needs, "float32", l40s) == "resident"
    assert [profile_of("ootdiffusion", needs, "float32", one) for one in (t4, a10g, l40s)] == [
        "low",
        "resident",
        "resident",
    ]
    assert not fits(int(t4.gpu_memory_gib * 2**30), t4)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--seconds 9 --price 1.2", "3.00 per 1000"),
        ("--seconds 9.4 --price 1.41 --utilisation 0.7", "5.26 per 1000"),
        ("--seconds 9 --price 4.8 --instance ml.g5.12xlarge", "3.00 per 1000"),
    ],
)
def test_cost_is_time_by_price(arguments: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", *arguments.split()]) == 0
    assert capsys.readouterr().out.startswith(expected)


@pytest.mark.parametrize("arguments", ["--seconds 0 --price 1", "--seconds 1 --price 1 --utilisation 70"])
def test_a_cost_of_nonsense_is_refused(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", *arguments.split()]) == 2
    assert "out of range" in capsys.readouterr().err


def _needs(engine: str, dtype: str) -> list[Need]:
    return [need for need in read_needs() if (need.engine, need.dtype, need.profile) == (engine, dtype, "resident")]
