"""The front process: makes every part from the settings, serves, and drains on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from container import preflight
from container.examples import examples
from container.memory import give_back_for_ever, share_one_heap
from container.preflight import CannotServe, listen, open_spool
from container.settings import Settings
from container.supervisor import GaveUp, Supervisor
from container.worker_process import worker_environment
from model.engines.pack import EnginePack
from model.errors import WeightsError
from model.perception.files import DETECTOR_FILES
from model.samples.samples import GARMENTS
from serve.addresses_of_jobs import Addresses
from serve.admission import Admission
from serve.app import create_app
from serve.batch import Batch, execution_parameters
from serve.catalogue import Catalogue
from serve.catalogue_api import CatalogueApi
from serve.clients.client import SharedPaths
from serve.clients.omoib import Omoib, Queue
from serve.clients.service import ClientSettings, Service
from serve.clients.table import CLIENTS
from serve.computing import Computing
from serve.earlier_jobs import EarlierJobs
from serve.fetch import Fetcher
from serve.health import Health
from serve.https import Https
from serve.intake import Intake
from serve.invocations import Invocations
from serve.job_files import JobFiles
from serve.jobs import Jobs
from serve.jobs_api import JobsApi
from serve.limited_heads import limited_heads
from serve.metrics import Metrics
from serve.rate_limit import parsed
from serve.results import Results
from serve.s3 import S3
from serve.saved_people import SavedPeople
from serve.spool import Spool, SpoolInUse
from serve.store import Store
from serve.tokens import Tokens
from serve.tracing import tracing
from serve.webhooks import Webhooks

EXIT_DRAINED, EXIT_CANNOT_START = 0, 3  # `container/__main__.py` ends with the same

# The platform's proxy keeps idle connections for a while; ours must not be closed first.
_KEEP_ALIVE_S = 75
_GIVE_BACK_S = 30.0  # between two times of returning freed memory, which takes milliseconds
_LAST_ANSWERS_S = 2  # of DRAIN_S, for sending what has just ended

log = logging.getLogger(__name__)


def main(settings: Settings, worker_command: Sequence[str]) -> int:
    """Serve until told to stop; returns the exit status. `worker_command` starts a worker."""
    try:
        preflight.check(settings)
        share_one_heap()
        return asyncio.run(Front(settings).serve(worker_command))
    except (CannotServe, SpoolInUse, WeightsError, OSError) as error:
        log.critical("cannot start: %s", error)
        return EXIT_CANNOT_START


class Front:
    """The server and what it is made of."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tracing = tracing()
        self._s3 = S3(
            region=settings.aws_region, endpoint_url=settings.s3_endpoint_url, silence_s=settings.s3_silence_s
        )
        self._catalogue = Catalogue(garments_place(settings), self._s3, believed_s=settings.catalogue_s)

    async def serve(self, worker_command: Sequence[str]) -> int:
        settings = self._settings
        with closing(open_spool(settings)) as spool, listen(settings.host, settings.port) as listener:
            metrics = Metrics(own_version())
            supervisor = self._supervise(worker_command, metrics)
            https = Https(settings.allowed_hosts, total_s=settings.fetch_s, silence_s=settings.fetch_silence_s)
            webhooks = self._make_webhooks(https)
            jobs, store, results = self._make_jobs(spool, supervisor, metrics, https, webhooks)
            webhooks.take_up()
            metrics.watch(
                waiting=jobs.waiting,
                spool_free=lambda: shutil.disk_usage(settings.spool_dir).free,
                workers=supervisor.pids,
            )
            jobs.recover()
            tidying = [
                asyncio.create_task(forever) for forever in (jobs.expire_answers(), give_back_for_ever(_GIVE_BACK_S))
            ]
            app = self._make_app(jobs, store, results, webhooks, supervisor, metrics)
            server = Server(http_settings(app, settings.head_s))
            try:
                return await self._run(server, listener, supervisor, jobs)
            finally:
                for task in tidying:
                    task.cancel()
                await webhooks.close()
                await supervisor.close()

    def _make_webhooks(self, https: Https) -> Webhooks:
        settings = self._settings
        secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
        folder, addresses = settings.spool_dir, self._addresses()
        return Webhooks(https=https, secret=secret, folder=folder, for_s=settings.job_ttl_s, addresses=addresses)

    def _addresses(self) -> Addresses:
        return Addresses(Tokens(self._settings.tokens()).key, self._settings.job_ttl_s)

    def _make_jobs(
        self, spool: Spool, supervisor: Supervisor, metrics: Metrics, https: Https, webhooks: Webhooks
    ) -> tuple[Jobs, Store, Results]:
        settings = self._settings
        store = Store(s3=self._s3, default_prefix=settings.output_prefix, allow=settings.output_allow)
        fetcher = Fetcher(
            s3=self._s3,
            garments=self._catalogue,
            https=https,
            max_bytes=settings.max_input_bytes,
            max_pixels=settings.max_pixels,
            allow_file_uris=settings.allow_file_uris,
            input_allow=settings.input_allow,
            people=SavedPeople(settings.saved_people, self._s3),
            earlier_jobs=EarlierJobs(spool, store, settings.max_input_bytes),
        )
        queue_url = settings.omoib_queue_url
        omoib = Omoib(
            store=store,
            prefix=settings.output_prefix,
            queue=Queue(queue_url, settings.aws_region) if queue_url else None,
        )
        deliveries = [omoib] if "omoib" in settings.clients else []
        results = Results(store=store, deliveries=deliveries, max_inline_bytes=settings.inline_limit())
        jobs = Jobs(
            spool=spool,
            computing=Computing(
                fetcher=fetcher, results=results, webhooks=webhooks, workers=supervisor, metrics=metrics
            ),
            webhooks=webhooks,
            workers=supervisor,
            metrics=metrics,
            tracing=self._tracing,
            admission=Admission(settings.max_queued_jobs, settings.job_deadline_s, wait=settings.overload == "wait"),
        )
        return jobs, store, results

    def _make_app(
        self,
        jobs: Jobs,
        store: Store,
        results: Results,
        webhooks: Webhooks,
        supervisor: Supervisor,
        metrics: Metrics,
    ) -> FastAPI:
        settings = self._settings
        intake = Intake(
            jobs=jobs,
            store=store,
            workers=supervisor,
            webhooks=webhooks,
            catalogue=self._catalogue,
            max_body_bytes=settings.max_body_bytes,
        )
        batch = Batch(
            intake=intake,
            jobs=jobs,
            folder=settings.spool_dir,
            deadline_s=settings.job_deadline_s,
            lines_at_once=settings.max_live_jobs * supervisor.count,
        )
        addresses = self._addresses()
        files = JobFiles(jobs, results)
        health = Health(jobs, supervisor, restart_grace_s=settings.restart_grace_s)
        service = Service(
            intake=intake,
            jobs=jobs,
            files=files,
            addresses=addresses,
            health=health,
            workers=supervisor,
            metrics=metrics,
            catalogue=self._catalogue,
            deadline_s=settings.stream_deadline_s,
            job_deadline_s=settings.job_deadline_s,
            detector_ready=any((Path(settings.model_dir) / name).is_file() for name in DETECTOR_FILES),
            parameters_of=EnginePack(settings.model_dir).parameters_of,
            webhooks=webhooks,
            folder=settings.spool_dir,
            kept_s=settings.job_ttl_s,
            most_jobs=settings.max_queued_jobs,
            settings=ClientSettings(**{one.name: getattr(settings, one.name) for one in fields(ClientSettings)}),
        )
        clients = SharedPaths([CLIENTS[name](service) for name in settings.clients])
        clients.take_up()
        invocations = Invocations(
            intake=intake,
            batch=batch,
            jobs=jobs,
            results=results,
            clients=clients,
            deadline_s=settings.deadline_s,
            stream_deadline_s=settings.stream_deadline_s,
        )
        jobs_api = JobsApi(
            intake=intake,
            jobs=jobs,
            files=files,
            addresses=addresses,
            clients=clients,
            deadline_s=settings.job_deadline_s,
        )
        return create_app(
            invocations=invocations,
            batch_parameters=execution_parameters(settings.max_body_bytes, settings.max_live_jobs),
            jobs_api=jobs_api,
            catalogue_api=CatalogueApi(self._catalogue, addresses, settings.max_input_bytes, settings.max_pixels),
            clients=clients,
            health=health,
            workers=supervisor,
            metrics=metrics,
            tracing=self._tracing,
            cors_origins=settings.cors_origins,
            studio=settings.shows_studio(),
            tokens=Tokens(settings.tokens()),
            rate_limit=parsed(settings.rate_limit) if settings.rate_limit else None,
            addresses=addresses,
            version=own_version(),
            examples=examples,
        )

    def _supervise(self, worker_command: Sequence[str], metrics: Metrics) -> Supervisor:
        settings = self._settings
        gpus = len(list(Path("/proc/driver/nvidia/gpus").glob("*")))
        inherited = worker_environment(os.environ, Settings.names_for_workers())
        environments = [dict(inherited) for _ in range(settings.workers or max(gpus, 1))]
        if gpus > 1 and settings.device in ("auto", "cuda"):
            for index, environment in enumerate(environments):
                environment["CUDA_VISIBLE_DEVICES"] = str(index % gpus)
        return Supervisor(
            worker_command,
            environments,
            spool_dir=settings.spool_dir,
            jobs_per_worker=settings.jobs_per_worker(),
            stall_s=settings.stall_s,
            metrics=metrics,
        )

    async def _run(self, server: Server, listener: socket.socket, supervisor: Supervisor, jobs: Jobs) -> int:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopping = asyncio.create_task(stop.wait())
        log.info("listening", extra={"host": self._settings.host, "port": listener.getsockname()[1]})
        telling = asyncio.create_task(self._tell_when_ready(supervisor, listener.getsockname()))
        ends: list[asyncio.Future[Any]] = [serving, stopping, supervisor.gave_up]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        telling.cancel()
        status = EXIT_DRAINED
        if supervisor.gave_up.done():
            reason: GaveUp = supervisor.gave_up.result()
            log.critical("cannot %s: %s", "go on" if supervisor.was_ready else "start", reason)
            status = reason.exit_code
        else:
            log.info("draining")
            await jobs.drain(self._settings.drain_s - _LAST_ANSWERS_S)
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(serving, _LAST_ANSWERS_S)
        return status

    async def _tell_when_ready(self, supervisor: Supervisor, address: tuple[str, int]) -> None:
        """The start ends with the address to open."""
        await supervisor.first_ready.wait()
        log.info("ready: open %s", page_at(*address[:2]))


def page_at(host: str, port: int) -> str:
    """The address of the page that dresses people. Where it listens everywhere, that is also here."""
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}/"


class Server(uvicorn.Server):
    """Uvicorn, but the signals are ours: it must go on listening while jobs are drained."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_settings(app: FastAPI, head_s: float) -> uvicorn.Config:
    """Uvicorn without what we do ourselves: logging, start and end, and no WebSockets."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http=limited_heads(head_s),
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE_S,
    )


def garments_place(settings: Settings) -> str | None:
    """Where the garments are: where the operator says, else the built-in ones beside the built-in weights."""
    built_in = f"{GARMENTS.as_uri()}/" if settings.model_dir == "demo" else None
    return settings.catalogue or built_in


def own_version() -> str:
    """The installed version, or that of the checkout that this runs in."""
    try:
        return version("atelier")
    except PackageNotFoundError:
        described = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
        return str(described["project"]["version"])
