"""Run a manifest of requests, one a line, as a batch transform job, and say what became of each.

Every line is a request of its own: it has its own deadline and retries, and a line that fails fails nothing else. What
has failed is written as a manifest again. The same command on the same manifest finds its job again and does not start
another.

Exit status: 0 all are done, 1 some are not, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from ask import manifest
from ask.manifest import Outcome
from ask.transform import TransformPlan
from common.calls import Caller
from common.command_line import common_options, environment_of, exit_status, s3_folder, say, split_uri
from common.failures import Failed, Json
from common.waiting import POLL_S, wait_while
from endpoint.plan import JOBS_PER_GPU

UNSETTLED = ("InProgress", "Stopping")


def main(arguments: list[str] | None = None) -> int:
    """Run one batch; returns the exit status."""
    args = parse(arguments)
    return exit_status(lambda: run(args))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="batch.py",
        parents=[common_options()],
        description=(__doc__ or "").split("\n")[0],
        fromfile_prefix_chars="@",
    )
    parser.add_argument("--manifest", type=Path, required=True, help="JSON lines, one request each")
    parser.add_argument(
        "--failed", type=Path, default=Path("failed.jsonl"), help="where failed ones are written (default: %(default)s)"
    )
    parser.add_argument("--name", default="atelier-batch", help="the jobs' names begin so (default: atelier-batch)")
    parser.add_argument("--image", required=True, help="in ECR")
    parser.add_argument("--role", required=True, help="ARN of the execution role")
    parser.add_argument("--model-data", required=True, help="s3:// address of the weights as one tar.gz")
    parser.add_argument("--output-prefix", type=s3_folder, required=True, help="where results are stored")
    parser.add_argument("--batch-prefix", type=s3_folder, help="the job's own files; default: OUTPUT_PREFIX/batch/")
    parser.add_argument("--instance-type", default="ml.g5.xlarge", help="of SageMaker (default: ml.g5.xlarge)")
    parser.add_argument("--instances", type=int, default=1, help="each takes whole files (default: 1)")
    parser.add_argument("--jobs-per-gpu", type=int, default=JOBS_PER_GPU, help=f"at once (default: {JOBS_PER_GPU})")
    parser.add_argument("--lines-per-file", type=int, default=500, help="what one failed file costs (default: 500)")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a setting of the container; may come often"
    )
    parser.add_argument("--poll-s", type=float, default=POLL_S, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    call = Caller(dry_run=args.dry_run, region=args.region, endpoint_url=args.endpoint_url)
    requests = manifest.read(args.manifest)
    batch = batch_of(args, call.region)
    job = batch.job(requests)
    parts = manifest.cut(requests, args.lines_per_file)
    start(call, batch, job, parts)
    if args.dry_run:
        return
    outcomes = finish(call, job, parts, poll_s=args.poll_s)
    print(manifest.summary(outcomes))
    failed = [(outcome.request, problem) for outcome in outcomes if (problem := outcome.problem)]
    for request, problem in failed:
        print(f"{request['id']}: {problem['code']}: {problem.get('detail')}")
    if failed:
        manifest.write(args.failed, (request for request, _ in failed))
        raise Failed(f"{len(failed)} of {len(outcomes)} have failed; {args.failed} has them for another run")


def batch_of(args: argparse.Namespace, region: str) -> TransformPlan:
    """The job that the options describe."""
    return TransformPlan(
        name=args.name,
        image=args.image,
        role=args.role,
        model_data=args.model_data,
        output_prefix=args.output_prefix,
        batch_prefix=args.batch_prefix or f"{args.output_prefix}batch/",
        instance_type=args.instance_type,
        region=region,
        instances=args.instances,
        jobs_per_gpu=args.jobs_per_gpu,
        environment=environment_of(args.env),
    )


def start(call: Caller, batch: TransformPlan, job: Json, parts: dict[str, list[Json]]) -> None:
    """Upload the files and create the job, unless it is there."""
    name = job["TransformJobName"]
    if call.read("sagemaker", "describe_transform_job", TransformJobName=name) is not None:
        say(f"{name} has been started before; another --name starts another")
        return
    for part, requests in parts.items():
        bucket, key = split_uri(job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] + part)
        call("s3", "put_object", Bucket=bucket, Key=key, Body=manifest.lines_of(requests))
    model = batch.model()
    if call.read("sagemaker", "describe_model", ModelName=model["ModelName"]) is None:
        call("sagemaker", "create_model", **model)
    call("sagemaker", "create_transform_job", **job)


def finish(call: Caller, job: Json, parts: dict[str, list[Json]], *, poll_s: float = POLL_S) -> list[Outcome]:
    """Wait for the job, remove its model, and read what became of every line."""
    status = "TransformJobStatus"

    def ask() -> Json | None:
        return call.read("sagemaker", "describe_transform_job", TransformJobName=job["TransformJobName"])

    ended = wait_while(UNSETTLED, ask, status, poll_s=poll_s, limit_s=math.inf)  # it takes as long as it is large
    if ended is not None and ended[status] != "Completed":
        say(f"the job is {ended[status]}: {ended.get('FailureReason', 'no reason given')}")
    call.remove("sagemaker", "delete_model", ModelName=job["ModelName"])
    outputs = _outputs(call, job["TransformOutput"]["S3OutputPath"])
    return [
        outcome
        for part, requests in parts.items()
        for outcome in manifest.match(requests, _read(call, outputs.get(f"{part}.out")))
    ]


def _outputs(call: Caller, prefix: str) -> dict[str, tuple[str, str]]:
    """File name -> bucket and key: where below the prefix they lie depends on the input's."""
    bucket, folder = split_uri(prefix)
    found = call.read_all("s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=folder)
    return {item["Key"].rpartition("/")[2]: (bucket, item["Key"]) for item in found}


def _read(call: Caller, place: tuple[str, str] | None) -> bytes | None:
    if place is None:
        return None
    answer = call.read("s3", "get_object", Bucket=place[0], Key=place[1])
    return None if answer is None else bytes(answer["Body"].read())


if __name__ == "__main__":
    sys.exit(main())
