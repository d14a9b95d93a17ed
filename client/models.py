"""`models`: what is served."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

import httpx

from client.asking import checked
from client.options import add_where


def add_arguments(parser: ArgumentParser) -> None:
    add_where(parser)
    parser.set_defaults(run=run)


def run(http: httpx.Client, args: Namespace) -> None:
    print(json.dumps(checked(http.get("/api/models")).json(), indent=2))
