"""Endpoints made, changed, scaled and taken away, against moto. What moto accepts is less than what the service model
says, which checks every call as well.
"""

from __future__ import annotations

import json
from typing import Any

import deploy
import pytest
from common.failures import Failed
from common.waiting import wait_while
from endpoint import endpoints
from endpoint.plan import Deployment

from container.settings import Settings
from tests.deployment.conftest import ACCOUNT, IMAGE, REGION, ROLE, Aws

PLACES = ["--model-prefix", "s3://bucket/weights/", "--output-prefix", "s3://bucket/results/"]
OPTIONS = ["--image", IMAGE, "--role", ROLE, *PLACES, "--instance-type", "ml.g4dn.12xlarge", "--poll-s", "0"]
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"


def run(*arguments: str) -> int:
    return deploy.main([*arguments, *([] if "--poll-s" in arguments else ["--poll-s", "0"])])


def described(aws: Aws) -> dict[str, Any]:
    """The endpoint's configuration."""
    sagemaker = aws.client("sagemaker")
    name = sagemaker.describe_endpoint(EndpointName="atelier")["EndpointConfigName"]
    found: dict[str, Any] = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    return found


def everything(aws: Aws) -> dict[str, list[str]]:
    """Names of all there is."""
    sagemaker, scaling = aws.client("sagemaker"), aws.client("application-autoscaling")
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {
        "endpoints": [found["EndpointName"] for found in sagemaker.list_endpoints()["Endpoints"]],
        "configs": [found["EndpointConfigName"] for found in sagemaker.list_endpoint_configs()["EndpointConfigs"]],
        "models": [found["ModelName"] for found in sagemaker.list_models()["Models"]],
        "policies": sorted(policy["PolicyName"] for policy in policies),
        "targets": [target["ResourceId"] for target in targets],
        "alarms": sorted(alarm["AlarmName"] for alarm in alarms),
    }


def test_an_asynchronous_endpoint_scales_from_zero_and_queues_what_its_gpus_run_and_one_more(aws: Aws) -> None:
    assert run("async", *OPTIONS, "--max-instances", "3", "--jobs-per-gpu", "2", "--alarm-topic", TOPIC) == 0
    config = described(aws)
    assert config["AsyncInferenceConfig"]["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 2 * 4 + 1}
    assert config["AsyncInferenceConfig"]["OutputConfig"]["S3FailurePath"] == "s3://bucket/results/queued/failures/"
    variant = config["ProductionVariants"][0]
    model = aws.client("sagemaker").describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
    source = model["ModelDataSource"]["S3DataSource"]
    assert source == {"S3Uri": "s3://bucket/weights/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    wanted = {"OVERLOAD": "wait", "MAX_INLINE_BYTES": "0", "DEADLINE_S": "3500", "MAX_LIVE_JOBS": "2"}
    assert wanted.items() <= model["Environment"].items()
    scaling = aws.client("application-autoscaling")
    target = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"][0]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 3)
    there = everything(aws)
    assert there["policies"] == ["backlog", "from-zero"]
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    actions = {alarm["AlarmName"]: alarm["AlarmActions"] for alarm in alarms}
    first = actions.pop("atelier-backlog-without-capacity")
    assert "from-zero" in first[0]
    assert set(map(tuple, actions.values())) == {(TOPIC,)}


def test_a_realtime_endpoint_scales_by_concurrency_and_refuses_what_it_cannot_do_in_time(aws: Aws) -> None:
    assert run("realtime", *OPTIONS, "--max-instances", "2", "--target", "6") == 0
    config = described(aws)
    assert "AsyncInferenceConfig" not in config
    assert not config.get("DataCaptureConfig")  # moto describes an empty one
    model = aws.client("sagemaker").describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    assert not {"OVERLOAD", "DEADLINE_S"} & model["PrimaryContainer"]["Environment"].keys()
    scaling = aws.client("application-autoscaling")
    policy = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"][0]
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 6
    metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert metric == "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    assert "atelier-latency" in everything(aws)["alarms"]


def test_a_second_run_changes_nothing(aws: Aws) -> None:
    run("async", *OPTIONS, "--max-instances", "3")
    aws.calls.clear()
    assert run("async", *OPTIONS, "--max-instances", "3") == 0
    assert aws.calls
    assert aws.writing() == []


def test_a_new_image_updates_the_endpoint_and_leaves_nothing_of_the_old(aws: Aws) -> None:
    run("realtime", *OPTIONS)
    before = everything(aws)
    aws.calls.clear()
    assert run("realtime", *OPTIONS, "--image", IMAGE.replace(":1", ":2")) == 0
    deletions = ["DeleteEndpointConfig", "DeleteModel"]
    assert aws.writing() == ["CreateModel", "CreateEndpointConfig", "UpdateEndpoint", *deletions]
    after = everything(aws)
    assert len(after["models"]) == len(after["configs"]) == 1
    assert not set(before["models"] + before["configs"]) & set(after["models"] + after["configs"])
    rollback = aws.updates[0]["DeploymentConfig"]["AutoRollbackConfiguration"]
    assert [alarm["AlarmName"] for alarm in rollback["Alarms"]] == ["atelier-5xx", "atelier-latency"]


def test_an_update_that_was_rolled_back_fails_and_keeps_what_serves(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    run("realtime", *OPTIONS)
    serving = described(aws)["EndpointConfigName"]
    aws.rolls_back = True
    assert run("realtime", *OPTIONS, "--env", "DTYPE=float32") == 1
    assert "rolled back" in capsys.readouterr().err.splitlines()[-1]
    assert serving in everything(aws)["configs"]


def test_another_instance_type_stops_the_scaling_before_the_update_and_restores_it_after(aws: Aws) -> None:
    run("realtime", *OPTIONS, "--max-instances", "2")
    aws.calls.clear()
    assert run("realtime", *OPTIONS, "--max-instances", "2", "--instance-type", "ml.g4dn.xlarge") == 0
    order = [aws.calls.index(name) for name in ("DeregisterScalableTarget", "UpdateEndpoint", "RegisterScalableTarget")]
    assert order == sorted(order)
    assert everything(aws)["policies"] == ["concurrency"]


def test_an_endpoint_that_has_failed_is_made_anew(aws: Aws) -> None:
    run("realtime", *OPTIONS)
    aws.endpoint("atelier").endpoint_status = "Failed"
    aws.calls.clear()
    assert run("realtime", *OPTIONS) == 0
    assert aws.writing() == ["DeleteEndpoint", "CreateEndpoint"]


def test_maintenance_is_waited_for_before_anything_is_changed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    run("realtime", *OPTIONS)
    endpoint = aws.endpoint("atelier")
    endpoint.endpoint_status = "SystemUpdating"
    asked: list[float] = []

    def pass_time(seconds: float) -> None:
        asked.append(seconds)
        if len(asked) == 2:
            endpoint.endpoint_status = "InService"

    monkeypatch.setattr("time.sleep", pass_time)
    aws.calls.clear()
    assert run("realtime", *OPTIONS, "--env", "DTYPE=float32") == 0
    assert len(asked) == 2
    assert aws.calls[: aws.calls.index("UpdateEndpoint")].count("DescribeEndpoint") == 3


def test_delete_leaves_nothing_behind_but_what_is_not_its_own_and_may_be_repeated(aws: Aws) -> None:
    run("async", *OPTIONS, "--name", "atelier-b")
    other = everything(aws)
    run("async", *OPTIONS)
    assert run("delete") == 0
    assert everything(aws) == other
    assert run("delete") == 0


def test_delete_after_a_deployment_that_stopped_half_way(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("realtime", *OPTIONS, "--instance-type", "ml.g6e.xlarge") == 1  # moto does not know it yet
    assert "ml.g6e.xlarge" in capsys.readouterr().err
    assert everything(aws)["models"]
    assert run("delete") == 0
    assert not any(everything(aws).values())


def test_scale_changes_the_bounds_and_what_depends_on_them_alone(aws: Aws) -> None:
    run("async", *OPTIONS)
    aws.calls.clear()
    bounds = ["--min-instances", "1", "--max-instances", "4"]  # the target, 8 on each of 4 GPUs, stays
    assert run("scale", "async", *bounds) == 0
    assert aws.writing() == ["RegisterScalableTarget", "DeleteAlarms", "DeleteScalingPolicy"]
    aws.calls.clear()
    assert run("scale", "async", *bounds) == 0
    assert aws.writing() == []


def test_status_says_how_it_is(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status") == 1
    assert capsys.readouterr().err == "atelier: there is no endpoint atelier\n"
    run("async", *OPTIONS)
    capsys.readouterr()
    assert run("status") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["EndpointStatus"] == "InService"
    assert said["Scaling"]["MinCapacity"] == 0
    assert said["ScalingPolicies"] == ["backlog", "from-zero"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--env", "API_TOKEN=x"], "API_TOKEN"),
        (["--env", "NOTE=AKIAABCDEFGHIJKLMNOP"], "NOTE"),
        (["--env", f"NOTE={'x' * 1025}"], "NOTE"),
        ([word for i in range(40) for word in ("--env", f"N{i}={'x' * 1000}")], "32768"),
        (["--env", "NOTE"], "NAME=VALUE"),
        (["--subnets", "subnet-1"], "--security-groups"),
        (["--volume-gb", "100"], "--volume-gb"),
        (["--min-instances", "0"], "--min-instances 0"),
        (["--max-instances", "2", "--min-instances", "3"], "--max-instances 2"),
        (["--instance-type", "ml.g7e.2xlarge"], "not built for its GPUs"),
        (["--instance-type", "ml.c6i.xlrge"], "ml.c6i.xlrge"),
        (["--startup-s", "30"], "ContainerStartupHealthCheckTimeoutInSeconds"),
        (["--role", "me"], "ExecutionRoleArn"),
        (["--ami", "newest"], "newest"),
        (["--name", "a" * 53], "52"),
        (["--name", "a_b"], "a_b"),
    ],
)
def test_what_sagemaker_would_refuse_is_refused_in_one_line(
    no_credentials: None, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert run("realtime", *OPTIONS, *options, "--dry-run") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert "AKIA" not in line


def test_wrong_usage_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("async", *OPTIONS, "--model-prefix", "s3://bucket/weights")
    assert "ending in '/'" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["realtime", "async"])
def test_what_the_container_is_told_are_settings_it_has(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    what = (IMAGE, ROLE, "s3://bucket/weights/", "ml.g5.xlarge", REGION)
    told = Deployment("atelier", kind, *what, output_prefix="s3://bucket/results/").container_environment
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    read = Settings().model_dump()
    assert {name: str(read[name.lower()]).removesuffix(".0") for name in told} == told


@pytest.mark.parametrize("instances", range(12))
def test_an_update_replaces_between_a_twentieth_and_a_half_at_a_time(instances: int) -> None:
    wanted = Deployment("atelier", "realtime", IMAGE, ROLE, "s3://bucket/weights/", "ml.g5.xlarge", REGION)
    how = endpoints.deployment_config(wanted, instances)
    if instances < 2:  # half of one is none
        assert how["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"
    else:
        assert 0.05 <= how["RollingUpdatePolicy"]["MaximumBatchSize"]["Value"] / instances <= 0.5


def test_what_does_not_settle_is_given_up() -> None:
    with pytest.raises(Failed, match="still Creating after"):
        wait_while(["Creating"], lambda: {"EndpointStatus": "Creating"}, "EndpointStatus", poll_s=0, limit_s=0)
