"""Send a request to an endpoint: at once, streamed, or through the queue of an asynchronous one.

Whatever cannot tell its end - a time-out, a lost connection, a container that was stopped - is sent again with the same
id, which the container answers from what it has computed or stored: nothing is done twice.

Exit status: 0 done, 1 refused or failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ask.asking import OnProgress, plain_call, realtime, stream, streamed_call
from ask.attempts import ATTEMPTS, STREAM_READ_S, runtime_client, s3_client
from ask.queueing import WAIT_S, asynchronous, collect, queued_call, submit
from ask.requesting import add_request_options, request_of
from ask.saving import save_all
from common.calls import Caller
from common.command_line import common_options, exit_status, s3_folder, say
from common.failures import Json
from tqdm import tqdm

__all__ = ["asynchronous", "collect", "realtime", "runtime_client", "stream", "submit"]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    args = parse(arguments)
    return exit_status(lambda: args.run(args))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    shared = common_options()
    shared.add_argument("--endpoint", required=True, help="the endpoint's name")
    shared.add_argument("--attempts", type=int, default=ATTEMPTS, help=f"at most so often (default: {ATTEMPTS})")
    shared.add_argument("--out", type=Path, default=Path("out"), help="folder for the results (default: out)")
    add_request_options(shared)
    parser = argparse.ArgumentParser(prog="invoke.py", description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    plain = commands.add_parser("realtime", parents=[shared], help="one answer, within 60 s")
    plain.set_defaults(run=run_realtime)
    streamed = commands.add_parser("stream", parents=[shared], help="progress, then the answer, within 8 min")
    streamed.set_defaults(run=run_stream)
    queued = commands.add_parser("async", parents=[shared], help="through the queue of an asynchronous endpoint")
    queued.add_argument("--input-prefix", type=s3_folder, help="where requests larger than 128,000 bytes are put")
    queued.add_argument(
        "--wait", type=float, nargs="?", const=WAIT_S, metavar="S", help=f"for the outcome (at most {WAIT_S} s)"
    )
    queued.set_defaults(run=run_async)
    return parser.parse_args(arguments)


def run_realtime(args: argparse.Namespace) -> None:
    request = _announced(args)
    if args.dry_run:
        _caller(args)("sagemaker-runtime", "invoke_endpoint", **plain_call(args.endpoint, request))
        return
    with closing(runtime_client(args.region, args.endpoint_url)) as runtime:
        answer = realtime(runtime, args.endpoint, request, attempts=args.attempts)
    _save(answer, args)


def run_stream(args: argparse.Namespace) -> None:
    request = _announced(args)
    if args.dry_run:
        parameters = streamed_call(args.endpoint, request)
        _caller(args)("sagemaker-runtime", "invoke_endpoint_with_response_stream", **parameters)
        return
    client = runtime_client(args.region, args.endpoint_url, read_timeout_s=STREAM_READ_S)
    with closing(client) as runtime, stage_bar() as on_progress:
        answer = stream(runtime, args.endpoint, request, on_progress=on_progress, attempts=args.attempts)
    _save(answer, args)


def run_async(args: argparse.Namespace) -> None:
    request = _announced(args)
    if args.dry_run:
        call = _caller(args)
        upload, parameters = queued_call(args.endpoint, request, args.input_prefix)
        if upload:
            call("s3", "put_object", **upload)
        call("sagemaker-runtime", "invoke_endpoint_async", **parameters)
        return
    with closing(runtime_client(args.region, args.endpoint_url)) as runtime, closing(s3_client(args.region)) as s3:
        where = {"input_prefix": args.input_prefix}
        if args.wait is None:
            queued = submit(runtime, s3, args.endpoint, request, **where)
            print(queued.output, queued.failure, sep="\n")
            return
        how = {**where, "wait_s": args.wait, "attempts": args.attempts}
        answer = asynchronous(runtime, s3, args.endpoint, request, **how)
    _save(answer, args)


@contextmanager
def stage_bar() -> Iterator[OnProgress]:
    """A progress bar that shows the stage that is running."""
    with tqdm(disable=None, bar_format="{desc:<12}{bar} {n_fmt}/{total_fmt} {elapsed}") as bar:

        def on_progress(stage: str, done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.set_description(stage)

        yield on_progress


def _announced(args: argparse.Namespace) -> Json:
    request = request_of(args)
    say(f"id {request['id']}")
    return request


def _caller(args: argparse.Namespace) -> Caller:
    return Caller(dry_run=True, region=args.region, endpoint_url=args.endpoint_url)


def _save(answer: Json, args: argparse.Namespace) -> None:
    for warning in answer["warnings"]:
        say(f"note: {warning['message']} ({warning['code']})")
    say(f"seed {answer['seed']}")
    with closing(s3_client(args.region)) as s3:
        for file in save_all(answer, args.out, s3):
            print(file)


if __name__ == "__main__":
    sys.exit(main())
