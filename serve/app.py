"""The HTTP application: every route in one place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from limits import RateLimitItem
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from serve.addresses_of_jobs import Addresses
from serve.answers import ProblemDetails
from serve.catalogue_api import CatalogueApi
from serve.clients.client import SharedPaths
from serve.codes import FrontCode
from serve.cross_origin import allow_origins
from serve.docs import add_docs
from serve.errors import Problem
from serve.hang_up import CLIENT_GONE
from serve.head_as_get import HeadAsGet
from serve.health import Health
from serve.invocations import Invocations
from serve.jobs_api import JobsApi
from serve.metrics import Metrics
from serve.middleware import Bookkeeping
from serve.offers import Offers, offer
from serve.openapi import Examples
from serve.rate_limit import RateLimit
from serve.responses import details_response, problem_response
from serve.studio import add_studio, studio_page
from serve.token import RequireToken
from serve.tokens import Tokens
from serve.tracing import Tracing
from serve.workers import Workers


def create_app(
    *,
    invocations: Invocations,
    batch_parameters: Mapping[str, int | str],
    jobs_api: JobsApi,
    catalogue_api: CatalogueApi,
    clients: SharedPaths,
    health: Health,
    workers: Workers,
    metrics: Metrics,
    tracing: Tracing,
    tokens: Tokens,
    rate_limit: RateLimitItem | None,
    addresses: Addresses,
    cors_origins: Collection[str],
    studio: bool,
    version: str,
    examples: Callable[[], Examples],
) -> FastAPI:
    """Put the routes together. Everything they need is made by the caller."""
    app = FastAPI(
        title="Atelier",
        version=version,
        description="Dresses people: photos and garments in, pictures or a 3D avatar out.",
        docs_url=None,
        redoc_url=None,
    )
    if rate_limit is not None:
        app.add_middleware(RateLimit, limit=rate_limit)
    if tokens:
        app.add_middleware(RequireToken, tokens=tokens, addresses=addresses)
    app.add_middleware(HeadAsGet)
    app.add_middleware(
        Bookkeeping, metrics=metrics, tracing=tracing
    )  # around all that answers, so that refusals are booked too
    if cors_origins:
        allow_origins(app, cors_origins)
    app.add_exception_handler(ClientDisconnect, _client_gone)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    add_docs(app, examples, guarded=bool(tokens))
    if studio:
        add_studio(app)

    app.add_api_route(
        "/invocations", invocations.__call__, methods=["POST"], name="invocations", summary="Dress somebody"
    )
    app.include_router(jobs_api.routes())
    app.include_router(catalogue_api.routes())
    for client in clients.clients:
        app.include_router(client.routes())

    @app.post("/ping", operation_id="post_ping", summary="The same", response_class=Response)
    @app.get("/ping", operation_id="get_ping", summary="200: ready for work", response_class=Response)
    async def ping() -> Response:
        return Response(status_code=health.status)

    @app.get("/livez", summary="503: to be replaced", response_class=Response)
    async def live() -> Response:
        return Response(status_code=503 if health.state() == "broken" else 200)

    @app.get("/execution-parameters", summary="For batch transform")
    async def show_batch_parameters() -> JSONResponse:
        return JSONResponse(batch_parameters)

    @app.get("/metrics", summary="For Prometheus", response_class=Response)
    async def show_metrics(request: Request) -> Response:
        if (told := await clients.metrics(request)) is not None:
            return JSONResponse(told)
        return Response(metrics.render(), media_type="text/plain; version=0.0.4")

    @app.get("/health", summary="The state in a word; always 200")
    async def show_health() -> JSONResponse:
        return JSONResponse({"state": health.state(), **await clients.health()})

    @app.get("/", include_in_schema=False)
    async def greet(request: Request) -> Response:
        greeting = await clients.greeting()
        if studio and (greeting is None or "text/html" in request.headers.get("accept", "")):
            return studio_page()
        if greeting is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return JSONResponse(greeting)

    @app.get("/api/models", summary="Engines, weights, licences, backends")
    async def models() -> Offers:
        return Offers(
            state=health.state(),
            models={name: offer(name, loaded) for name, loaded in workers.models.items()},
            device=workers.device,
            backends=workers.backends,
        )

    return app


async def _problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)  # noqa: S101 - registered for it
    return problem_response(problem, request.state.request_id)


async def _client_gone(request: Request, error: Exception) -> Response:
    """It hung up while it was sending."""
    return Response(status_code=CLIENT_GONE)


async def _http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such route, wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    details = ProblemDetails(
        title=HTTPStatus(error.status_code).phrase,
        status=error.status_code,
        detail=f"{request.method} {request.url.path[:100]}: {error.detail}",
        code=FrontCode.NO_SUCH_ROUTE,
        field=None,
        retryable=False,
        retry_after_s=None,
        request_id=request.state.request_id,
    )
    return details_response(details, dict(error.headers or {}))
