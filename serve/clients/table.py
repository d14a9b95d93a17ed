"""Everybody who can stand in `CLIENTS`."""

from __future__ import annotations

from collections.abc import Mapping

from serve.clients.client import Client
from serve.clients.fal import FalClient
from serve.clients.fashn import FashnClient
from serve.clients.omoib import OmoibClient
from serve.clients.ootdiffusion import OOTDiffusionClient
from serve.clients.up2you import UP2YouClient
from serve.clients.vesaki import VesakiClient

CLIENTS: Mapping[str, type[Client]] = {
    "omoib": OmoibClient,
    "up2you": UP2YouClient,
    "ootdiffusion": OOTDiffusionClient,
    "vesaki": VesakiClient,
    "fal": FalClient,
    "fashn": FashnClient,
}
