"""`ping`: is it ready?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import httpx

from client.asking import checked
from client.options import add_where


def add_arguments(parser: ArgumentParser) -> None:
    add_where(parser)
    parser.set_defaults(run=run)


def run(http: httpx.Client, args: Namespace) -> None:
    checked(http.get("/ping"))
    print("ready")
