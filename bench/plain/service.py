"""The plain try-on behind HTTP: a bare FastAPI app and a lock."""

from __future__ import annotations

import base64
import io
import os
import time
from threading import Lock
from typing import Any

from fastapi import FastAPI
from PIL import Image

from bench.plain.tryon import PlainTryOn
from model.engines.pack import EnginePack
from model.runtime.device import open_device
from model.tryon.pictures import tryon_tensors


def plain_service() -> FastAPI:
    """Answers the requests of `bench.tryons`, one at a time. MODEL_DIR, DEVICE and DTYPE mean what they mean to us."""
    chosen = open_device(os.environ["DEVICE"], os.environ["DTYPE"])
    tryon = PlainTryOn(EnginePack(os.environ["MODEL_DIR"]).folder, chosen.torch_device, chosen.dtype)
    chosen.close()
    device_is_free = Lock()
    app = FastAPI()

    @app.post("/invocations")
    def invocations(body: dict[str, Any]) -> dict[str, Any]:
        person, garment = (picture(body[field]).convert("RGB") for field in ("person", "garment"))
        prepared = tryon_tensors(person, garment, picture(body["mask"]).convert("L"), (body["width"], body["height"]))
        came = time.monotonic()
        with device_is_free:
            queue_s = time.monotonic() - came
            painted = tryon(prepared, seed=body["seed"], steps=body["steps"], guidance=body["guidance"])
        buffer = io.BytesIO()
        Image.fromarray(painted).save(buffer, "PNG")
        data = base64.b64encode(buffer.getvalue()).decode()
        return {"outputs": [{"data": data}], "timings": {"queue_s": queue_s}}

    return app


def picture(data: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data)))
