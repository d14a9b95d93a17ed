"""What CatVTON takes: the try-on's request."""

from __future__ import annotations

from model.tryon.request import Request as Request
