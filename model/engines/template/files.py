"""Where the template engine's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

FOLDER = "template"

PLACE_NETWORK = "template/place_network.safetensors"
