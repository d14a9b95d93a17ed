"""Alarms of an endpoint. Those of errors and latency also turn back an update that raises them.

The metrics are SageMaker's own: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html and, for
asynchronous endpoints, https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from __future__ import annotations

from dataclasses import dataclass

from common.calls import Caller
from common.failures import Json

from endpoint.plan import VARIANT, Deployment, gpus_of

SLOW_US = 50e6  # of the 60 s after which the platform cuts a plain answer
OLD_S = 1800  # half of what an asynchronous request may take
FULL_PERCENT = 90  # of the disk: inputs and results of a few jobs still fit
GPU_FULL_PERCENT = 98  # per GPU; the metric adds them up

_ENDPOINT, _INSTANCE = "AWS/SageMaker", "/aws/sagemaker/Endpoints"


@dataclass(frozen=True)
class Alarm:
    """Raised when `statistic` of `metric` reaches `threshold` in each of so many minutes."""

    kind: str
    metric: str
    statistic: str
    threshold: float
    minutes: int
    meaning: str
    namespace: str = _ENDPOINT
    of_variant: bool = True  # or of the endpoint as a whole
    turns_back: bool = False  # an update during which it is raised

    def parameters(self, endpoint: str, actions: list[str]) -> Json:
        """Of PutMetricAlarm."""
        dimensions = {"EndpointName": endpoint} | ({"VariantName": VARIANT} if self.of_variant else {})
        how = "ExtendedStatistic" if self.statistic.startswith("p") else "Statistic"
        return {
            "AlarmName": f"{endpoint}-{self.kind}",
            "AlarmDescription": self.meaning,
            "Namespace": self.namespace,
            "MetricName": self.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            how: self.statistic,
            "Period": 60,
            "EvaluationPeriods": self.minutes,
            "DatapointsToAlarm": self.minutes,
            "Threshold": float(self.threshold),
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": actions,
        }


_OF_BOTH = (
    Alarm(
        *("5xx", "Invocation5XXErrors", "Sum", 1, 3),
        meaning="Requests fail: the container is not ready, has a bug, or cannot store results.",
        turns_back=True,
    ),
    Alarm(
        *("disk", "DiskUtilization", "Maximum", FULL_PERCENT, 3),
        meaning="Results that cannot be stored pile up; below SPOOL_MIN_FREE_BYTES new work is refused.",
        namespace=_INSTANCE,
    ),
)
_OF_REALTIME = (
    Alarm(
        *("latency", "ModelLatency", "p90", SLOW_US, 3),
        meaning="Answers take nearly the 60 s that SageMaker allows.",
        turns_back=True,
    ),
)
_OF_ASYNC = (
    Alarm(
        *("oldest-request", "ApproximateAgeOfOldestRequest", "Maximum", OLD_S, 3),
        meaning="Requests wait half an hour: more instances are needed, or none starts.",
        of_variant=False,
    ),
    Alarm(
        *("input", "RequestDownloadFailures", "Sum", 1, 1),
        meaning="Queued requests cannot be read from S3: the role, or the object.",
    ),
    Alarm(
        *("output", "ResponseUploadFailures", "Sum", 1, 1),
        meaning="Answers of queued requests cannot be written to S3: the role, or the bucket.",
    ),
)
_FROM_ZERO = Alarm(
    *("backlog-without-capacity", "HasBacklogWithoutCapacity", "Average", 1, 2),
    meaning="Requests wait and there is no instance. Starts the first one.",
    of_variant=False,
)


def put_alarms(call: Caller, deployment: Deployment, topic: str | None) -> None:
    """Set the alarms that are not there as they should be; `topic` is told, if there is one."""
    actions = [topic] if topic else []
    _put(call, deployment.name, [alarm.parameters(deployment.name, actions) for alarm in _alarms(deployment)])


def put_alarm_from_zero(call: Caller, endpoint: str, policy: str) -> None:
    """The alarm that runs a scaling policy when requests wait and nothing is there to take them."""
    _put(call, endpoint, [_FROM_ZERO.parameters(endpoint, [policy])])


def remove_alarm_from_zero(call: Caller, endpoint: str) -> None:
    call.remove("cloudwatch", "delete_alarms", AlarmNames=[f"{endpoint}-{_FROM_ZERO.kind}"])


def turning_back(deployment: Deployment) -> list[str]:
    """Names of the alarms that an update must not raise."""
    return [f"{deployment.name}-{alarm.kind}" for alarm in _alarms(deployment) if alarm.turns_back]


def alarms_there(call: Caller, endpoint: str) -> list[Json]:
    """Those alarms of an endpoint that exist, as CloudWatch describes them."""
    answer = call.read("cloudwatch", "describe_alarms", AlarmNames=_all_names(endpoint)) or {}
    found: list[Json] = answer.get("MetricAlarms", [])
    return found


def remove_alarms(call: Caller, endpoint: str) -> None:
    """All of them, one by one: a call that names one that is not there deletes none."""
    for name in _all_names(endpoint):
        call.remove("cloudwatch", "delete_alarms", AlarmNames=[name])


def _alarms(deployment: Deployment) -> list[Alarm]:
    alarms = [*_OF_BOTH, *(_OF_ASYNC if deployment.kind == "async" else _OF_REALTIME)]
    if gpus := gpus_of(deployment.instance_type):
        alarms.append(
            Alarm(
                *("gpu-memory", "GPUMemoryUtilization", "Maximum", GPU_FULL_PERCENT * gpus, 5),
                meaning="The GPUs are full. Jobs run fewer at a time; a smaller MAX_LIVE_JOBS avoids the detours.",
                namespace=_INSTANCE,
            )
        )
    return alarms


def _all_names(endpoint: str) -> list[str]:
    known = [*_OF_BOTH, *_OF_REALTIME, *_OF_ASYNC, _FROM_ZERO]
    return [f"{endpoint}-{kind}" for kind in [*(alarm.kind for alarm in known), "gpu-memory"]]


def _put(call: Caller, endpoint: str, alarms: list[Json]) -> None:
    there = {alarm["AlarmName"]: alarm for alarm in alarms_there(call, endpoint)}
    for wanted in alarms:
        found = there.get(wanted["AlarmName"], {})
        if any(found.get(name) != value for name, value in wanted.items()):
            call("cloudwatch", "put_metric_alarm", **wanted)
