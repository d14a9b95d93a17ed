"""The way to a container: at an address, started here, or hosted as SageMaker does."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from collections.abc import Iterator

import httpx

from client.problems import Failed
from client.progress import say
from container.local_server import NoServer, local_server

_TIMEOUT = httpx.Timeout(
    10, read=600
)  # seconds to connect, and between two pieces of an answer: a laptop's avatar takes minutes


@contextlib.contextmanager
def connection(args: Namespace) -> Iterator[httpx.Client]:
    """A client of the container at `args.url`, else of a server that lives as long as this."""
    with contextlib.ExitStack() as stack:
        if getattr(args, "as_sagemaker", None) is not None:
            args.url = "http://sagemaker"
            transport = stack.enter_context(_hosted_transport(args))
            yield stack.enter_context(httpx.Client(base_url=args.url, transport=transport))
            return
        started_here = args.url is None
        if started_here:
            args.url = stack.enter_context(local_server(args.model_dir, say))
        token = os.environ.get("API_TOKEN")
        client = httpx.Client(
            base_url=args.url,
            timeout=_TIMEOUT,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            trust_env=not started_here,  # a proxy of the environment is for the world, not for this machine
        )
        yield stack.enter_context(client)


@contextlib.contextmanager
def _hosted_transport(args: Namespace) -> Iterator[httpx.BaseTransport]:
    """The way to a container that is hosted as SageMaker does.

    Raises:
        Failed: this is no checkout, or the container has broken SageMaker's contract.
        NoServer: it was not ready in time.
    """
    try:
        from tests.platform import as_sagemaker as emulator  # only a checkout has it
    except ImportError as error:
        raise Failed(f"--as-sagemaker needs a checkout of the repository, set up by `make setup`: {error}") from error
    try:
        with emulator.as_sagemaker(args.model_dir, args.as_sagemaker, queued=args.queued, say=say) as transport:
            yield transport
    except emulator.ContractBroken as error:
        raise Failed(str(error)) from error
    except emulator.Unhealthy as error:
        raise NoServer(str(error)) from error
