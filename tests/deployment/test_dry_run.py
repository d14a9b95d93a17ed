"""Dry runs: what would be called, in its order, without calling it and without AWS."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import batch
import deploy
import invoke
import pytest
from botocore.exceptions import ParamValidationError
from common.calls import Caller

from tests.deployment.conftest import IMAGE, ROLE, Aws
from tests.deployment.test_deploy import OPTIONS

pytestmark = pytest.mark.usefixtures("no_credentials")


def printed(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, dict[str, Any]]]:
    """The calls, as (operation, parameters)."""
    calls = re.findall(r"^([\w-]+\.\w+)\((\{.*?^\})\)$", capsys.readouterr().out, re.MULTILINE | re.DOTALL)
    return [(operation.split(".")[1], json.loads(parameters)) for operation, parameters in calls]


def test_deploy_makes_the_model_then_its_configuration_then_alarms_the_endpoint_and_its_scaling(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deploy.main(["async", *OPTIONS, "--dry-run"]) == 0
    calls = printed(capsys)
    order = [operation for operation, _ in calls]
    assert [name for name in dict.fromkeys(order) if name != "put_metric_alarm"] == [
        *("create_model", "create_endpoint_config", "create_endpoint"),
        *("register_scalable_target", "put_scaling_policy"),
    ]
    assert order.index("put_metric_alarm") < order.index("create_endpoint")
    named = dict(calls)
    variant = named["create_endpoint_config"]["ProductionVariants"][0]
    assert variant["ModelName"] == named["create_model"]["ModelName"]
    assert variant["RoutingConfig"] == {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    assert variant["InferenceAmiVersion"] == "al2-ami-sagemaker-inference-gpu-2"
    assert named["create_endpoint"]["EndpointConfigName"] == named["create_endpoint_config"]["EndpointConfigName"]


def test_an_isolated_endpoint_is_told_of_no_place_in_s3(capsys: pytest.CaptureFixture[str]) -> None:
    closed = ["--isolated", "--subnets", "subnet-1", "subnet-2", "--security-groups", "sg-1", "--kms-key", "key"]
    assert deploy.main(["async", *OPTIONS, *closed, "--dry-run"]) == 0
    named = dict(printed(capsys))
    model = named["create_model"]
    assert model["EnableNetworkIsolation"] is True
    assert "OUTPUT_PREFIX" not in model["PrimaryContainer"]["Environment"]
    assert model["VpcConfig"] == {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    assert named["create_endpoint_config"]["KmsKeyId"] == "key"


def test_an_instance_without_gpu_and_disk_gets_a_volume_and_no_gpu_ami(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        deploy.main(["realtime", *OPTIONS, "--instance-type", "ml.c6i.xlarge", "--volume-gb", "60", "--dry-run"]) == 0
    )
    calls = printed(capsys)
    variant = dict(calls)["create_endpoint_config"]["ProductionVariants"][0]
    assert variant["VolumeSizeInGB"] == 60
    assert "InferenceAmiVersion" not in variant
    assert not any("gpu" in parameters.get("AlarmName", "") for _, parameters in calls)


def test_delete_goes_from_the_scaling_to_the_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(["delete", "--dry-run"]) == 0
    order = list(dict.fromkeys(operation for operation, _ in printed(capsys)))
    assert order == ["delete_alarms", "delete_scaling_policy", "deregister_scalable_target", "delete_endpoint"]


def test_options_may_stand_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "atelier.options").write_text("\n".join(OPTIONS))
    assert deploy.main(["realtime", f"@{tmp_path}/atelier.options", "--dry-run"]) == 0
    assert "create_endpoint" in dict(printed(capsys))


def test_a_request_is_printed_without_its_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"somebody's face" * 10_000)
    request = ["--endpoint", "atelier", "--person", str(photo), "--garment", "s3://bucket/g.png", "--id", "x"]
    assert invoke.main(["async", *request, "--input-prefix", "s3://bucket/in/", "--dry-run"]) == 0
    (upload, put), (submit, call) = printed(capsys)
    assert (upload, submit) == ("put_object", "invoke_endpoint_async")
    assert put["Key"] == "in/x.json"
    assert call["InputLocation"] == "s3://bucket/in/x.json"
    assert re.fullmatch(r"<\d+ bytes>", put["Body"])


def test_a_batch_uploads_its_files_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(f'{{"id": "{i}", "person": "s3://bucket/{i}.png"}}\n' for i in range(5)))
    arguments = ["--manifest", str(manifest), "--image", IMAGE, "--role", ROLE, "--model-data", "s3://bucket/w.tar.gz"]
    arguments += ["--output-prefix", "s3://bucket/results/", "--lines-per-file", "2", "--dry-run"]
    assert batch.main(arguments) == 0
    calls = printed(capsys)
    assert [operation for operation, _ in calls] == 3 * ["put_object"] + ["create_model", "create_transform_job"]
    job = calls[-1][1]
    assert job["MaxConcurrentTransforms"] * job["MaxPayloadInMB"] <= 100
    assert calls[0][1]["Key"] == f"results/batch/{job['TransformJobName']}/in/part-00000.jsonl"
    assert calls[-2][1]["PrimaryContainer"] == {"Image": IMAGE, "ModelDataUrl": "s3://bucket/w.tar.gz"}


def test_with_credentials_a_dry_run_tells_what_would_change(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    deploy.main(["realtime", *OPTIONS])
    capsys.readouterr()
    aws.calls.clear()
    assert deploy.main(["realtime", *OPTIONS, "--dry-run"]) == 0
    assert printed(capsys) == []
    assert deploy.main(["delete", "--dry-run"]) == 0
    assert {"delete_endpoint_config", "delete_model"} <= dict(printed(capsys)).keys()
    assert aws.writing() == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"EndpointName": "a", "EndpointConfigName": "b", "Speed": 1}, "Speed"),
        ({"EndpointName": "a"}, "EndpointConfigName"),
        ({"EndpointName": "a" * 64, "EndpointConfigName": "b"}, "length of EndpointName is 64"),
        ({"EndpointName": "a.b", "EndpointConfigName": "b"}, "not of the form"),
        ({"EndpointName": "a", "EndpointConfigName": "b", "Tags": [{"Key": "k", "Value": "v"}] * 51}, "number of Tags"),
    ],
)
def test_a_call_is_held_against_the_whole_service_model(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamValidationError, match=said):
        Caller(dry_run=True)("sagemaker", "create_endpoint", **parameters)
