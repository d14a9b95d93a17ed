"""What a batch transform job is to be: the parameters of its model and of itself, which name themselves by content."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.failures import Failed, Json
from endpoint.plan import ASYNC_DEADLINE_S, JOBS_PER_GPU, check_environment, content_name, gpus_of
from rent.instance_types import INSTANCES

from ask.manifest import lines_of

# CUDA 11.8 runs natively on driver 535; the other AMI's 470 only knows CUDA 11.4.
GPU_AMI = "al2-ami-sagemaker-batch-gpu-535"
ALL_MB = 100  # what MaxConcurrentTransforms times MaxPayloadInMB may be
TIMEOUT_S, RETRIES = 3600, 3  # the most SageMaker allows


@dataclass(frozen=True)
class TransformPlan:
    """A job as somebody wants it. Prefixes end in "/".

    Args:
        model_data: s3:// address of the weights as one tar.gz: batch transform takes no folder.
        output_prefix: where the container stores results. The job's own files lie in `batch_prefix`.
    """

    name: str
    image: str
    role: str
    model_data: str
    output_prefix: str
    batch_prefix: str
    instance_type: str
    region: str
    instances: int = 1
    jobs_per_gpu: int = JOBS_PER_GPU
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = INSTANCES.get(self.instance_type)
        if known is not None and not known.batch_transform:
            raise Failed(f"--instance-type {self.instance_type}: batch transform has none; g4dn, g5, g6 and g6e it has")
        check_environment(self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        settings = {
            "AWS_REGION": self.region,
            "OUTPUT_PREFIX": self.output_prefix,
            "MAX_LIVE_JOBS": str(self.jobs_per_gpu),
            "JOB_DEADLINE_S": str(ASYNC_DEADLINE_S),
            "OVERLOAD": "wait",
        }
        return settings | self.environment

    def model(self) -> Json:
        """Parameters of CreateModel."""
        container = {"Image": self.image, "ModelDataUrl": self.model_data}
        model = {"PrimaryContainer": container, "ExecutionRoleArn": self.role}
        return {"ModelName": content_name(self.name, model), **model}

    def job(self, requests: list[Json]) -> Json:
        """Parameters of CreateTransformJob for a manifest; the same content has the same name.

        Raises:
            Failed: a line is so long that too few would run at once.
        """
        job = {
            "ModelName": self.model()["ModelName"],
            **self._pace(requests),
            "Environment": self._environment,
            "TransformResources": self._resources(),
            "ModelClientConfig": {"InvocationsTimeoutInSeconds": TIMEOUT_S, "InvocationsMaxRetries": RETRIES},
        }
        name = content_name(self.name, {**job, "requests": requests})
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{self.batch_prefix}{name}/in/"}}
        return {
            "TransformJobName": name,
            **job,
            "TransformInput": {"DataSource": source, "ContentType": "application/jsonlines", "SplitType": "Line"},
            "TransformOutput": {
                "S3OutputPath": f"{self.batch_prefix}{name}/out/",
                "Accept": "application/jsonlines",
                "AssembleWith": "Line",
            },
        }

    def _pace(self, requests: list[Json]) -> Json:
        longest = max(len(lines_of([request])) for request in requests)
        at_once, megabytes = self.jobs_per_gpu * max(gpus_of(self.instance_type), 1), -(-longest // 2**20)
        if at_once * megabytes > ALL_MB:
            raise Failed(
                f"a line has {longest} bytes, and {at_once} run at once: more than {ALL_MB} MB. Name pictures by s3://"
            )
        return {"MaxConcurrentTransforms": at_once, "MaxPayloadInMB": megabytes, "BatchStrategy": "SingleRecord"}

    def _resources(self) -> Json:
        resources: Json = {"InstanceType": self.instance_type, "InstanceCount": self.instances}
        return resources | ({"TransformAmiVersion": GPU_AMI} if gpus_of(self.instance_type) else {})
