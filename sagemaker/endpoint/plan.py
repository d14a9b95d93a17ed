"""What an endpoint is to be: the parameters of its model and its configuration, which name themselves by content."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Literal

from common.failures import Failed, Json
from rent.instance_types import INSTANCES

VARIANT = "main"
# The image has CUDA 11.8, which every GPU AMI's driver runs. This is the oldest of them (driver 535, CUDA 12.2), and
# named so that a new default of the platform changes nothing here.
GPU_AMI = "al2-ami-sagemaker-inference-gpu-2"
JOBS_PER_GPU = 8  # MAX_LIVE_JOBS of the container, unless it is told otherwise
ASYNC_DEADLINE_S = 3500  # the platform gives an asynchronous request at most 3600
MAX_ENVIRONMENT_BYTES, MAX_WORD_BYTES, MAX_NAME = 32 * 1024, 1024, 52  # SageMaker's limits; a name less a hash of 11

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_KEY", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}|-----BEGIN|hf_[A-Za-z0-9]{30}|[?&]X-Amz-Signature=")
_WITH_GPU = re.compile(r"ml\.[gp]\d")
_HASH_DIGITS = 10  # of what a configuration is: two are never alike


@dataclass(frozen=True)
class Deployment:
    """An endpoint as somebody wants it. Times are in seconds, prefixes end in "/".

    Args:
        kind: `async` endpoints queue and answer through S3, and only so.
        model_prefix: where the weights lie, uncompressed.
        jobs_per_gpu: jobs on one GPU at once, from which the queue's concurrency follows.
        async_prefix: where the platform puts answers and failures of queued requests.
    """

    name: str
    kind: Literal["realtime", "async"]
    image: str
    role: str
    model_prefix: str
    instance_type: str
    region: str
    output_prefix: str | None = None
    async_prefix: str | None = None
    instances: int = 1
    jobs_per_gpu: int = JOBS_PER_GPU
    startup_s: int = 900
    download_s: int = 1800
    volume_gb: int | None = None
    ami: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    isolated: bool = False
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    kms_key: str | None = None
    success_topic: str | None = None
    error_topic: str | None = None

    def __post_init__(self) -> None:
        if len(self.name) > MAX_NAME:
            raise Failed(f"--name {self.name!r} is longer than {MAX_NAME} characters")
        if bool(self.subnets) != bool(self.security_groups):
            raise Failed("--subnets and --security-groups belong together")
        if self.volume_gb is not None and self.instance_type in INSTANCES:
            raise Failed(f"--volume-gb: {self.instance_type} has a local disk and takes no volume")
        gpus_of(self.instance_type)
        check_environment(self.container_environment)

    @property
    def jobs_per_instance(self) -> int:
        """Jobs it computes at once: the container starts one worker per GPU."""
        return self.jobs_per_gpu * max(gpus_of(self.instance_type), 1)

    @property
    def container_environment(self) -> dict[str, str]:
        """Settings of the container that follow from the kind of endpoint, then those that were given."""
        settings = {"AWS_REGION": self.region, "MAX_LIVE_JOBS": str(self.jobs_per_gpu)}
        if self.output_prefix and not self.isolated:
            settings["OUTPUT_PREFIX"] = self.output_prefix
        if self.kind == "async":  # nothing is asked again there, and the platform stores answers of any size
            settings |= {"OVERLOAD": "wait", "MAX_INLINE_BYTES": "0", "DEADLINE_S": str(ASYNC_DEADLINE_S)}
        return settings | self.environment

    def model(self) -> Json:
        """Parameters of CreateModel."""
        container = {
            "Image": self.image,
            "ModelDataSource": {
                "S3DataSource": {"S3Uri": self.model_prefix, "S3DataType": "S3Prefix", "CompressionType": "None"}
            },
            "Environment": self.container_environment,
        }
        model = {
            "PrimaryContainer": container,
            "ExecutionRoleArn": self.role,
            "EnableNetworkIsolation": self.isolated,
        }
        if self.subnets:
            model["VpcConfig"] = {"Subnets": [*self.subnets], "SecurityGroupIds": [*self.security_groups]}
        return {"ModelName": content_name(self.name, model), **model}

    def config(self) -> Json:
        """Parameters of CreateEndpointConfig. Data capture stays off: it would store the photos."""
        config: Json = {"ProductionVariants": [self._variant()]}
        if self.kms_key:
            config["KmsKeyId"] = self.kms_key
        if self.kind == "async":
            config["AsyncInferenceConfig"] = self._async()
        return {"EndpointConfigName": content_name(self.name, config), **config}

    def _variant(self) -> Json:
        variant = {
            "VariantName": VARIANT,
            "ModelName": self.model()["ModelName"],
            "InstanceType": self.instance_type,
            "InitialInstanceCount": self.instances,
            "InitialVariantWeight": 1.0,
            "ModelDataDownloadTimeoutInSeconds": self.download_s,
            "ContainerStartupHealthCheckTimeoutInSeconds": self.startup_s,
            "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
            "InferenceAmiVersion": self.ami or (GPU_AMI if gpus_of(self.instance_type) else None),
            "VolumeSizeInGB": self.volume_gb,
        }
        return {name: value for name, value in variant.items() if value is not None}

    def _async(self) -> Json:
        if self.async_prefix is None:
            raise Failed("an asynchronous endpoint needs --async-prefix or --output-prefix")
        output: Json = {
            "S3OutputPath": f"{self.async_prefix}answers/",
            "S3FailurePath": f"{self.async_prefix}failures/",
        }
        topics = {"SuccessTopic": self.success_topic, "ErrorTopic": self.error_topic}
        if any(topics.values()):
            output["NotificationConfig"] = {name: topic for name, topic in topics.items() if topic}
        if self.kms_key:
            output["KmsKeyId"] = self.kms_key
        # One more than are computed at once, so that the next one's pictures are there when a place is free.
        client = {"MaxConcurrentInvocationsPerInstance": self.jobs_per_instance + 1}
        return {"ClientConfig": client, "OutputConfig": output}


def gpus_of(instance_type: str) -> int:
    """How many GPUs one instance has; 0 for types without, on which one worker computes on the CPU.

    Raises:
        Failed: it has some, but the image is not built for them.
    """
    if instance_type in INSTANCES:
        return INSTANCES[instance_type].gpus
    if _WITH_GPU.match(instance_type):
        raise Failed(f"--instance-type {instance_type}: the image is not built for its GPUs, or there is no such type")
    return 0


def content_name(name: str, parameters: Json) -> str:
    """`name` and a hash of what it stands for: the same content has the same name, any other another."""
    content = json.dumps(parameters, sort_keys=True).encode()
    return f"{name}-{hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]}"


def is_named_after(name: str, candidate: object) -> bool:
    """Whether `content_name` made it for the endpoint `name`."""
    return re.fullmatch(rf"{re.escape(name)}-[0-9a-f]{{{_HASH_DIGITS}}}", str(candidate)) is not None


def check_environment(environment: dict[str, str]) -> None:
    """Refuse what SageMaker would, and secrets: whoever may describe a model reads its environment.

    Raises:
        Failed: naming the variable, never its value.
    """
    for name, value in environment.items():
        if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value):
            raise Failed(f"--env {name} looks like a secret; a model's environment is no place for one")
        if max(len(name.encode()), len(value.encode())) > MAX_WORD_BYTES:
            raise Failed(f"--env {name} is longer than {MAX_WORD_BYTES} bytes")
    size = sum(len(name.encode()) + len(value.encode()) for name, value in environment.items())
    if size > MAX_ENVIRONMENT_BYTES:
        raise Failed(f"the environment has {size} bytes, more than {MAX_ENVIRONMENT_BYTES}")
