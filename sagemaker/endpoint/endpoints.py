"""An endpoint's life: created, updated when it is to be another, and taken away with all that belongs to it."""

from __future__ import annotations

import math

from common.calls import Caller
from common.command_line import say
from common.failures import Failed, Json
from common.waiting import POLL_S, wait_while

from endpoint import alarms, scaling
from endpoint.plan import Deployment, is_named_after

UNSETTLED = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
BAKE_S = 300  # how long new instances are watched before the old ones go
MAX_UPDATE_S = 28_800  # MaximumExecutionTimeoutInSeconds, its largest value


def deploy(call: Caller, wanted: Deployment, *, topic: str | None = None, poll_s: float = POLL_S) -> None:
    """Make the endpoint what is wanted. Done twice, the second time changes nothing.

    Raises:
        Failed: it did not come up, or the update was rolled back.
    """
    model, config = wanted.model(), wanted.config()
    if call.read("sagemaker", "describe_model", ModelName=model["ModelName"]) is None:
        call("sagemaker", "create_model", **model)
    if call.read("sagemaker", "describe_endpoint_config", EndpointConfigName=config["EndpointConfigName"]) is None:
        call("sagemaker", "create_endpoint_config", **config)
    alarms.put_alarms(call, wanted, topic)
    there = _settled(call, wanted.name, poll_s)
    if there is not None and there["EndpointStatus"] == "Failed":
        say(f"{wanted.name} has failed ({there.get('FailureReason')}) and is made anew")
        _delete_endpoint(call, wanted.name, poll_s)
        there = None
    name = {"EndpointName": wanted.name, "EndpointConfigName": config["EndpointConfigName"]}
    if there is None:
        call("sagemaker", "create_endpoint", **name)
    elif there["EndpointConfigName"] != config["EndpointConfigName"]:
        _update(call, wanted, there, name)
    if not call.dry_run:
        _check(_settled(call, wanted.name, poll_s), config["EndpointConfigName"])
    _remove_others(call, wanted.name, keep={model["ModelName"], config["EndpointConfigName"]})


def delete(call: Caller, name: str, *, poll_s: float = POLL_S) -> None:
    """Take away the endpoint and all that was made for it, in the reverse order; what is not there is fine."""
    scaling.remove(call, name)
    _settled(call, name, poll_s)
    _delete_endpoint(call, name, poll_s)
    alarms.remove_alarms(call, name)
    _remove_others(call, name, keep=set())


def describe(call: Caller, name: str) -> Json | None:
    """What DescribeEndpoint says, if there is such an endpoint."""
    return call.read("sagemaker", "describe_endpoint", EndpointName=name)


def _settled(call: Caller, name: str, poll_s: float) -> Json | None:
    if call.dry_run:
        return describe(call, name)
    return wait_while(UNSETTLED, lambda: describe(call, name), "EndpointStatus", poll_s=poll_s)


def _delete_endpoint(call: Caller, name: str, poll_s: float) -> None:
    call.remove("sagemaker", "delete_endpoint", EndpointName=name)
    _settled(call, name, poll_s)


def _update(call: Caller, wanted: Deployment, there: Json, name: Json) -> None:
    before = call.read("sagemaker", "describe_endpoint_config", EndpointConfigName=there["EndpointConfigName"]) or {}
    types = {variant["InstanceType"] for variant in before.get("ProductionVariants", [])}
    if types != {wanted.instance_type}:  # SageMaker refuses that while the endpoint scales by itself
        scaling.remove(call, wanted.name)
    count = next((v.get("CurrentInstanceCount", 1) for v in there.get("ProductionVariants", [])), 1)
    call(
        "sagemaker",
        "update_endpoint",
        **name,
        RetainAllVariantProperties=count > 0,  # at zero, one instance is to prove that the new container starts
        DeploymentConfig=deployment_config(wanted, count),
    )


def deployment_config(wanted: Deployment, instances: int) -> Json:
    """A quarter of the instances at a time; a lone one is replaced by another, which needs quota for two.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html
    """
    batch = max(1, instances // 4)
    limit_s = math.ceil(max(instances, 1) / batch) * (wanted.download_s + wanted.startup_s + BAKE_S)
    rules = {"WaitIntervalInSeconds": BAKE_S}
    limit = {"MaximumExecutionTimeoutInSeconds": min(max(limit_s, 600), MAX_UPDATE_S)}
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": a} for a in alarms.turning_back(wanted)]}}
    if instances < 2:
        routing = {"Type": "ALL_AT_ONCE", **rules}
        return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **limit}, **rollback}
    size = {"Type": "INSTANCE_COUNT", "Value": batch}
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, **rules, **limit}, **rollback}


def _check(endpoint: Json | None, config: str) -> None:
    status = endpoint["EndpointStatus"] if endpoint else "gone"
    reason = (endpoint or {}).get("FailureReason", "no reason given")
    if endpoint is None or status != "InService":
        raise Failed(f"the endpoint is {status}: {reason}; its log group is /aws/sagemaker/Endpoints/<name>")
    if endpoint["EndpointConfigName"] != config:
        raise Failed(f"the update was rolled back: {reason}")


def _remove_others(call: Caller, name: str, keep: set[str]) -> None:
    """Configurations and models of this endpoint that it does not use any more."""
    kinds = (
        ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", "delete_endpoint_config"),
        ("list_models", "Models", "ModelName", "delete_model"),
    )
    for listing, members, member, deletion in kinds:
        for found in call.read_all("sagemaker", listing, members, NameContains=f"{name}-"):
            if is_named_after(name, found[member]) and found[member] not in keep:
                call.remove("sagemaker", deletion, **{member: found[member]})
