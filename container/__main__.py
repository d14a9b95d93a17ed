"""`python -m container serve` and `train`: what `docker run IMAGE serve` and `docker run IMAGE train` start."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from container import logs
from container.settings import SECRETS, Settings

EXIT_CANNOT_START = 3  # one number for all that an operator has to change

_PLATFORMS_PORT = "sagemaker_bind_to_port"  # what pydantic calls the port, whoever has named it


def main(arguments: list[str] | None = None, module: str = "container") -> int:
    """Run a command; returns the exit status. `module` is what `python -m` is given to start a worker."""
    parser = argparse.ArgumentParser(prog="container", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve HTTP until SIGTERM")
    train = commands.add_parser("train", help="train as SageMaker's files say")
    train.add_argument("--root", type=Path, help="where they are; default: /opt/ml")
    worker = commands.add_parser("worker", help="one worker; started by `serve`")
    worker.add_argument("--fd", type=int, required=True)
    chosen = parser.parse_args(arguments)
    if chosen.command == "train":
        from container.train import ROOT
        from container.train import main as train_in

        return train_in(chosen.root or ROOT)
    try:
        settings = Settings()
    except ValidationError as error:
        print(f"cannot start: {'; '.join(map(refusal, error.errors()))}", file=sys.stderr)
        return EXIT_CANNOT_START
    logs.set_up(settings.log_format)
    if chosen.command == "worker":
        from container.worker import main as work

        work(settings, chosen.fd)
    from container.serve import main as serve

    logging.getLogger("container").info("settings", extra=settings.model_dump(mode="json"))
    for name, meant in Settings.nearly_named(os.environ).items():
        logging.getLogger("container").warning("%s is no setting; did you mean %s?", name, meant)
    return serve(settings, [sys.executable, "-m", module, "worker"])


def refusal(error: ErrorDetails) -> str:
    """The setting that is wrong, and how; its value, if that is no secret."""
    field = str(error["loc"][0]).lower() if error["loc"] else ""
    if field == _PLATFORMS_PORT and field.upper() not in os.environ:
        field = "port"
    message = error["msg"].removeprefix("Value error, ")
    if field in SECRETS:
        return f"{field.upper()}: {message}"
    return f"{field.upper() or 'environment'}: {message} (got {str(error['input'])[:80]!r})"


def leave(status: int) -> NoReturn:
    """End the process now. An ordinary exit waits for threads, and one may hang in a call to S3 for minutes."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    # Process 1 of a container does not hear a SIGTERM that nobody handles. Until the front does, nothing is drained.
    if "worker" not in sys.argv:
        signal.signal(signal.SIGTERM, lambda *_: leave(0))
    leave(main())
