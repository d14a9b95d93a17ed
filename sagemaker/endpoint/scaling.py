"""How many instances an endpoint has, between two bounds, by how much there is to do.

Asynchronous: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
Real-time: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-policy.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from common.calls import Caller
from common.failures import Failed, Json

from endpoint.alarms import put_alarm_from_zero, remove_alarm_from_zero
from endpoint.plan import VARIANT

SERVICE = "application-autoscaling"
OUT_S, IN_S = 300, 900  # between two steps; an instance takes minutes to start

_BACKLOG, _CONCURRENCY, _FROM_ZERO = "backlog", "concurrency", "from-zero"


@dataclass(frozen=True)
class Scaling:
    """Bounds, and the jobs per instance to aim at, waiting ones included."""

    kind: Literal["realtime", "async"]
    least: int
    most: int
    target: float

    def __post_init__(self) -> None:
        if self.most < max(self.least, 1):
            raise Failed(f"--max-instances {self.most} is less than --min-instances {self.least}, or than 1")
        if self.least < 1 and self.kind == "realtime":
            raise Failed(f"--min-instances {self.least}: a real-time endpoint keeps at least one instance")


def apply(call: Caller, endpoint: str, scaling: Scaling) -> None:
    """Make the endpoint scale so, changing only what is different."""
    _register(call, endpoint, scaling)
    there = policies(call, endpoint)
    track = _backlog(endpoint, scaling) if scaling.kind == "async" else _concurrency(scaling)
    _put_policy(call, endpoint, track, there)
    if scaling.least == 0:  # without an instance there is no backlog per instance
        put_alarm_from_zero(call, endpoint, _put_policy(call, endpoint, _first_instance(), there))
    elif _FROM_ZERO in there:
        remove_alarm_from_zero(call, endpoint)
        _remove_policy(call, endpoint, _FROM_ZERO)


def remove(call: Caller, endpoint: str) -> None:
    """Whatever of it is there, the policies first."""
    remove_alarm_from_zero(call, endpoint)
    for policy in (_FROM_ZERO, _BACKLOG, _CONCURRENCY):
        _remove_policy(call, endpoint, policy)
    call.remove(SERVICE, "deregister_scalable_target", **_of(endpoint))


def bounds(call: Caller, endpoint: str) -> Json | None:
    """The scalable target, as its service describes it."""
    where = {"ServiceNamespace": "sagemaker", "ResourceIds": [_of(endpoint)["ResourceId"]]}
    answer = call.read(SERVICE, "describe_scalable_targets", **where) or {}
    return next(iter(answer.get("ScalableTargets", [])), None)


def policies(call: Caller, endpoint: str) -> dict[str, Json]:
    """The scaling policies there are, by name."""
    where = {"ServiceNamespace": "sagemaker", "ResourceId": _of(endpoint)["ResourceId"]}
    answer = call.read(SERVICE, "describe_scaling_policies", **where) or {}
    return {policy["PolicyName"]: policy for policy in answer.get("ScalingPolicies", [])}


def target(call: Caller, endpoint: str) -> float | None:
    """What the endpoint aims at now, if it does."""
    how = [policy.get("TargetTrackingScalingPolicyConfiguration") for policy in policies(call, endpoint).values()]
    return next((float(tracking["TargetValue"]) for tracking in how if tracking), None)


def _register(call: Caller, endpoint: str, scaling: Scaling) -> None:
    wanted = {"MinCapacity": scaling.least, "MaxCapacity": scaling.most}
    there = bounds(call, endpoint) or {}
    if any(there.get(name) != value for name, value in wanted.items()):
        call(SERVICE, "register_scalable_target", **_of(endpoint), **wanted)


def _backlog(endpoint: str, scaling: Scaling) -> Json:
    metric = {
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
        "Statistic": "Average",
    }
    return _tracking(_BACKLOG, scaling.target, {"CustomizedMetricSpecification": metric})


def _concurrency(scaling: Scaling) -> Json:
    metric = {"PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"}
    return _tracking(_CONCURRENCY, scaling.target, {"PredefinedMetricSpecification": metric})


def _tracking(name: str, target: float, metric: Json) -> Json:
    how = {"TargetValue": float(target), **metric, "ScaleOutCooldown": OUT_S, "ScaleInCooldown": IN_S}
    kind = "TargetTrackingScaling"
    return {"PolicyName": name, "PolicyType": kind, "TargetTrackingScalingPolicyConfiguration": how}


def _first_instance() -> Json:
    how = {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
        "Cooldown": OUT_S,
        "MetricAggregationType": "Average",
    }
    return {"PolicyName": _FROM_ZERO, "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": how}


def _put_policy(call: Caller, endpoint: str, wanted: Json, there: dict[str, Json]) -> str:
    """The policy's ARN, which only the service knows."""
    name = wanted["PolicyName"]
    policy = there.get(name)
    if not _covers(policy, wanted):
        policy = call(SERVICE, "put_scaling_policy", **_of(endpoint), **wanted)
    return str((policy or {}).get("PolicyARN", f"<ARN of the policy {name}>"))


def _covers(there: object, wanted: object) -> bool:
    """Whether everything wanted is there; the service adds defaults of its own."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(_covers(there.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(there, list) and len(there) == len(wanted) and all(map(_covers, there, wanted))
    return bool(there == wanted)


def _remove_policy(call: Caller, endpoint: str, name: str) -> None:
    call.remove(SERVICE, "delete_scaling_policy", PolicyName=name, **_of(endpoint))


def _of(endpoint: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{VARIANT}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
