"""The plainest service there could be: JSON in, JSON out. What Atelier's front is measured against."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


def bare() -> FastAPI:
    app = FastAPI()

    @app.post("/invocations")
    async def invocations(request: Request) -> JSONResponse:
        body = await request.json()
        return JSONResponse({"type": body["type"], "state": "done", "outputs": []})

    return app
