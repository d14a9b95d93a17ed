"""Deploy Atelier to SageMaker: an endpoint, its scaling, its alarms; see how it is; take it all away.

A command says how things are to be and changes what is different, so it can be run again at any time. Options may stand
in a file, one a line: `deploy.py async @atelier.options`. A dry run prints what would be called; it looks at what is
there if there are credentials, else it takes it that nothing is.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys

from common.calls import Caller
from common.command_line import common_options, environment_of, exit_status, s3_folder, say
from common.failures import Failed
from common.waiting import POLL_S
from endpoint import alarms, endpoints, policy, scaling
from endpoint.plan import GPU_AMI, JOBS_PER_GPU, Deployment
from endpoint.scaling import Scaling


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    args = parse(arguments)
    return exit_status(lambda: args.run(args))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deploy.py", description=(__doc__ or "").split("\n")[0], fromfile_prefix_chars="@"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    named = common_options()
    named.add_argument("--name", default="atelier", help="of the endpoint (default: atelier)")
    named.add_argument("--poll-s", type=float, default=POLL_S, help=argparse.SUPPRESS)
    for kind, least in (("realtime", 1), ("async", 0)):
        command = commands.add_parser(kind, parents=[named], help=f"create or update a {kind} endpoint")
        add_deployment_options(command, kind)
        add_scaling_options(command, least)
        command.set_defaults(run=run_deploy, kind=kind)
    scale = commands.add_parser("scale", parents=[named], help="change how many instances it may have")
    scale.add_argument("kind", choices=("realtime", "async"), help="of the endpoint")
    add_scaling_options(scale, None)
    scale.set_defaults(run=run_scale)
    commands.add_parser("status", parents=[named], help="how it is").set_defaults(run=run_status)
    commands.add_parser("delete", parents=[named], help="take it all away").set_defaults(run=run_delete)
    add_policy(commands.add_parser("policy", help="print the policy of the execution role"))
    return parser.parse_args(arguments)


def add_deployment_options(command: argparse.ArgumentParser, kind: str) -> None:
    what = command.add_argument_group("what")
    what.add_argument("--image", required=True, help="in ECR; name it by digest, or updates go unnoticed")
    what.add_argument("--role", required=True, help="ARN of the execution role")
    what.add_argument("--model-prefix", type=s3_folder, required=True, help="the weights, uncompressed")
    what.add_argument("--output-prefix", type=s3_folder, help="where results are stored; without: in the answers")
    what.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a setting of the container; may come often"
    )
    where = command.add_argument_group("where")
    where.add_argument("--instance-type", default="ml.g5.xlarge", help="of SageMaker (default: ml.g5.xlarge)")
    where.add_argument("--instances", type=int, default=1, help="to begin with (default: 1)")
    where.add_argument("--jobs-per-gpu", type=int, default=JOBS_PER_GPU, help=f"at once (default: {JOBS_PER_GPU})")
    where.add_argument("--startup-s", type=int, default=900, help="until /ping must say 200 (default: 900)")
    where.add_argument("--download-s", type=int, default=1800, help="for the weights (default: 1800)")
    where.add_argument("--volume-gb", type=int, help="of instance types without a local disk")
    where.add_argument("--ami", help=f"InferenceAmiVersion (default with a GPU: {GPU_AMI})")
    closed = command.add_argument_group("closed in")
    closed.add_argument("--isolated", action="store_true", help="no network and no credentials; answers are inline")
    closed.add_argument("--subnets", nargs="+", default=[], metavar="ID", help="of the VPC it joins (default: none)")
    closed.add_argument("--security-groups", nargs="+", default=[], metavar="ID", help="there")
    closed.add_argument("--kms-key", help="for the volume and the answers of queued requests")
    told = command.add_argument_group("who is told")
    told.add_argument("--alarm-topic", metavar="ARN", help="SNS topic of the alarms")
    if kind == "async":
        what.add_argument("--async-prefix", type=s3_folder, help="answers and failures; default: OUTPUT_PREFIX/queued/")
        told.add_argument("--success-topic", metavar="ARN", help="SNS topic of requests that were answered")
        told.add_argument("--error-topic", metavar="ARN", help="SNS topic of requests that failed")


def add_scaling_options(command: argparse.ArgumentParser, least: int | None) -> None:
    group = command.add_argument_group("scaling")
    fewest = "at least so many" + ("" if least is None else f" (default: {least})")
    group.add_argument("--min-instances", type=int, default=least, required=least is None, help=fewest)
    group.add_argument("--max-instances", type=int, required=least is None, help="default: as many as at least")
    group.add_argument(
        "--target",
        type=float,
        help="jobs per instance, waiting ones included; default: as it is, or as many as run at once",
    )


def add_policy(command: argparse.ArgumentParser) -> None:
    command.add_argument("--image", required=True, help="in ECR")
    command.add_argument("--model-prefix", type=s3_folder, required=True, help="where the weights are")
    command.add_argument("--output-prefix", type=s3_folder, required=True, help="where results are stored")
    command.add_argument("--input-prefix", type=s3_folder, nargs="+", default=[], help="where photos are read from")
    command.add_argument("--topic", nargs="+", default=[], metavar="ARN", help="SNS topics of queued requests")
    command.add_argument("--queue", nargs="+", default=[], metavar="ARN", help="SQS queue of OMOIB_QUEUE_URL")
    command.add_argument("--kms-key", nargs="+", default=[], metavar="ARN", help="keys of the buckets")
    command.add_argument("--vpc", action="store_true", help="the endpoint joins a VPC")
    command.set_defaults(run=run_policy)


def run_deploy(args: argparse.Namespace) -> None:
    call = _caller(args)
    wanted = deployment(args, call.region)
    least, most = args.min_instances, args.max_instances or max(args.min_instances, args.instances)
    bounds = Scaling(args.kind, least, most, args.target or wanted.jobs_per_instance)
    endpoints.deploy(call, wanted, topic=args.alarm_topic, poll_s=args.poll_s)
    scaling.apply(call, wanted.name, bounds)
    say(f"{wanted.name} would be deployed" if args.dry_run else f"{wanted.name} is in service")


def run_scale(args: argparse.Namespace) -> None:
    call = _caller(args)
    target = args.target or scaling.target(call, args.name) or JOBS_PER_GPU
    scaling.apply(call, args.name, Scaling(args.kind, args.min_instances, args.max_instances, target))


def run_status(args: argparse.Namespace) -> None:
    call = _caller(args)
    endpoint = endpoints.describe(call, args.name)
    if endpoint is None:
        raise Failed(f"there is no endpoint {args.name}")
    described = {
        **{name: endpoint.get(name) for name in ("EndpointStatus", "FailureReason", "EndpointConfigName")},
        "ProductionVariants": endpoint.get("ProductionVariants"),
        "Scaling": scaling.bounds(call, args.name),
        "ScalingPolicies": sorted(scaling.policies(call, args.name)),
        "Alarms": {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms.alarms_there(call, args.name)},
    }
    print(json.dumps(described, indent=2, default=str))


def run_delete(args: argparse.Namespace) -> None:
    endpoints.delete(_caller(args), args.name, poll_s=args.poll_s)


def run_policy(args: argparse.Namespace) -> None:
    places = policy.places_of(
        image=args.image,
        model_prefix=args.model_prefix,
        output_prefix=args.output_prefix,
        input_prefixes=args.input_prefix,
        topics=args.topic,
        queues=args.queue,
        keys=args.kms_key,
        vpc=args.vpc,
    )
    print(json.dumps(policy.fill(places), indent=2))


def deployment(args: argparse.Namespace, region: str) -> Deployment:
    """The endpoint that the options describe."""
    queued = args.kind == "async"
    return Deployment(
        name=args.name,
        kind=args.kind,
        image=args.image,
        role=args.role,
        model_prefix=args.model_prefix,
        instance_type=args.instance_type,
        region=region,
        output_prefix=args.output_prefix,
        async_prefix=(args.async_prefix or _queued(args.output_prefix)) if queued else None,
        instances=args.instances,
        jobs_per_gpu=args.jobs_per_gpu,
        startup_s=args.startup_s,
        download_s=args.download_s,
        volume_gb=args.volume_gb,
        ami=args.ami,
        environment=environment_of(args.env),
        isolated=args.isolated,
        subnets=tuple(args.subnets),
        security_groups=tuple(args.security_groups),
        kms_key=args.kms_key,
        success_topic=args.success_topic if queued else None,
        error_topic=args.error_topic if queued else None,
    )


def _queued(output_prefix: str | None) -> str | None:
    return output_prefix and f"{output_prefix}queued/"


def _caller(args: argparse.Namespace) -> Caller:
    return Caller(dry_run=args.dry_run, region=args.region, endpoint_url=args.endpoint_url)


if __name__ == "__main__":
    sys.exit(main())
