"""A server that answers the clients of all earlier services, for the tests of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model.samples.samples import small_sample
from tests.server import Server, serving
from tests.site import Site

TOKEN = "everybodys-token"
PEOPLE = small_sample()["person"].parent
WEBHOOK_SECRET = "everybodys-webhook-secret"


@pytest.fixture(scope="session")
def everybody(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Server]:
    """It has the built-in try-ons, knows who asks, and may fetch from the site and tell it."""
    folder = tmp_path_factory.mktemp("everybody")
    authority = folder / "authority.pem"
    authority.write_bytes(site.authority)
    settings = {
        "ENGINES": "tryon",
        "CLIENTS": "omoib,vesaki,fal,fashn",
        "API_TOKEN": TOKEN,
        "SAVED_PEOPLE": f"{PEOPLE.as_uri()}/",
        "OMOIB_ANSWERS": 1,
        "VESAKI_LIMITS": "60/minute,5/hour,300/minute",
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "ALLOWED_HOSTS": "localhost",
        "SSL_CERT_FILE": authority,
    }
    with serving(folder, **settings) as server:
        server.client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield server
