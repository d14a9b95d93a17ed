"""The table of instance types against what AWS itself says of them."""

from __future__ import annotations

import gzip
import json
import pkgutil
from typing import Any

import botocore.session
from instances import INSTANCES


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
