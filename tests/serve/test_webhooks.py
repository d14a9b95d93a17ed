"""`webhook`: who is told of a job's end, how that is signed, and what happens when nobody listens. Over real TLS."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from container.settings import Settings
from serve.addresses_of_jobs import Addresses
from serve.clients.call_backs import CallBack, have_ended
from serve.errors import Invalid
from serve.live_job import LiveJob
from serve.spool import JobDirectory
from serve.webhook_signature import key_of
from serve.webhooks import WebhookMessage, Webhooks
from tests.probe.request import Request as ProbeRequest
from tests.serve.test_invocations import assert_problem
from tests.server import ROOT, Server, eventually, serving
from tests.site import Site

SECRET = f"whsec_{base64.b64encode(b'a key of twenty-four byte').decode()}"
TOKEN = "no-receiver-learns-this"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def hooked(site: Site) -> Site:
    """The receiver, with nothing received."""
    site.posts.clear()
    site.statuses.clear()
    return site


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, site: Site) -> dict[str, Any]:
    authority = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.write_bytes(site.authority)
    return {
        "WEBHOOK_SECRET": SECRET,
        "API_TOKEN": TOKEN,
        "ALLOWED_HOSTS": "localhost",
        "SSL_CERT_FILE": authority,
    }


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("telling"), 180, **settings) as server:
        yield server


def submit(server: Server, **fields: Any) -> dict[str, Any]:
    response = server.client.post("/api/jobs", json={"type": "probe", **fields}, headers=BEARER)
    assert response.status_code == 202, response.text
    taken: dict[str, Any] = response.json()
    return taken


def told(site: Site, count: int = 1) -> list[dict[str, Any]]:
    """What the receiver has been sent, once it is so many messages."""
    eventually(lambda: len(site.posts) >= count, within_s=180)
    return [json.loads(content) for _, content in site.posts]


def test_a_job_that_is_done_is_told_signed_and_without_its_bytes(telling: Server, hooked: Site) -> None:
    submit(telling, id="well", webhook=f"{hooked.url}/hook?key=of-the-client")
    [message] = told(hooked)
    assert (message["type"], message["data"]["id"], message["data"]["state"]) == ("job.done", "well", "done")
    [output] = message["data"]["answer"]["outputs"]
    assert output["name"] == "result.txt"
    assert "data" not in output
    file = telling.client.get(message["data"]["urls"]["result.txt"])  # signed, so without the token
    assert hashlib.sha256(file.content).hexdigest() == output["sha256"]
    headers, content = hooked.posts[0]
    assert headers["content-type"] == "application/json"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + content
    digest = base64.b64encode(hmac.digest(b"a key of twenty-four byte", signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 600
    assert TOKEN not in str(hooked.posts)
    eventually(lambda: not list(telling.spool.glob("*.webhook")), within_s=180)
    log = telling.log.read_text()
    assert "of-the-client" not in log
    assert SECRET not in log


def test_a_job_that_fails_and_one_that_is_deleted_are_told_so(telling: Server, hooked: Site) -> None:
    submit(telling, id="badly", then="refuse", webhook=hooked.url)
    [failed] = told(hooked)
    assert (failed["type"], failed["data"]["problem"]["code"]) == ("job.failed", "not_liked")
    job = submit(telling, id="away", steps_s=[0.05] * 2000, webhook=hooked.url)
    assert telling.client.delete(job["url"], headers=BEARER).status_code == 204
    [_, cancelled] = told(hooked, 2)
    assert (cancelled["type"], cancelled["data"]["id"]) == ("job.cancelled", "away")
    assert cancelled["data"]["answer"] is cancelled["data"]["problem"] is None


def test_a_message_is_sent_until_it_is_taken_under_one_id(telling: Server, hooked: Site) -> None:
    hooked.statuses[:] = [500, 302]  # a redirect is not followed: it would be a way past what was checked
    submit(telling, webhook=f"{hooked.url}/again")
    told(hooked, 3)
    assert [hooked.posts[0][1]] * 3 == [content for _, content in hooked.posts]
    assert len({headers["webhook-id"] for headers, _ in hooked.posts}) == 1
    eventually(lambda: not list(telling.spool.glob("*.webhook")), within_s=180)
    assert "/elsewhere" not in hooked.hosts


def test_a_receiver_that_is_gone_is_not_told_again(telling: Server, hooked: Site) -> None:
    hooked.statuses[:] = [410]
    submit(telling, webhook=hooked.url)
    told(hooked)
    eventually(lambda: not list(telling.spool.glob("*.webhook")), within_s=180)
    assert len(hooked.posts) == 1


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://localhost/hook", "bad_url"),
        ("https://user:word@localhost/", "bad_url"),
        ("https://169.254.169.254/latest", "host_not_allowed"),
        ("https://127.0.0.1/", "host_not_allowed"),
        ("ftp://localhost/", "bad_url"),
        ("", "invalid_field"),
        ("https://localhost/" + "x" * 2048, "invalid_field"),
    ],
)
def test_addresses_that_may_not_be_told_are_refused_at_once(telling: Server, address: str, code: str) -> None:
    body = {"type": "probe", "webhook": address}
    for path in ("/api/jobs", "/invocations"):
        assert_problem(telling.client.post(path, json=body, headers=BEARER), 422, code, "webhook")


def test_what_was_not_told_before_a_crash_is_told_after_it(
    tmp_path: Path, settings: dict[str, Any], hooked: Site
) -> None:
    with serving(tmp_path, 180, **settings, CLIENTS="fashn") as server:
        hooked.statuses[:] = [503] * 3
        submit(server, id="told", webhook=hooked.url)
        told(hooked)
        submit(server, id="running", steps_s=[0.05] * 40, webhook=hooked.url)
        server.kill()
        theirs = CallBack(job_id="running", url=hooked.url, base=server.url)  # as FASHN's clients ask for
        (server.spool / f"{uuid.uuid4()}.fashn").write_text(theirs.model_dump_json())
        hooked.statuses.clear()
        server.restart()

        def last() -> dict[str, str]:
            """Of each job the id of the message that came last."""
            came = ((json.loads(content), headers["webhook-id"]) for headers, content in hooked.posts)
            return {body["data"]["id"] if "data" in body else body["status"]: message for body, message in came}

        first = last()["told"]
        everybody, kept = {"told", "running", "completed"}, ("*.webhook", "*.fashn")
        eventually(lambda: everybody <= last().keys() and not any(list(server.spool.glob(one)) for one in kept), 180)
        assert last()["told"] == first


@pytest.mark.parametrize(
    ("cancelled", "deleted", "over"), [(False, False, True), (True, True, True), (True, False, False)]
)
def test_jobs_that_a_front_only_lays_down_have_not_ended(
    cancelled: bool, deleted: bool, over: bool, tmp_path: Path
) -> None:
    async def check() -> None:
        job = LiveJob("one", "", JobDirectory(tmp_path), ProbeRequest(), None, kept=True, deleted=deleted)
        job.task = asyncio.create_task(asyncio.Event().wait() if cancelled else asyncio.sleep(0))  # type: ignore[arg-type]
        if cancelled:
            job.task.cancel()
        assert await have_ended([job]) is over

    asyncio.run(check())


# -- limits --------------------------------------------------------------------------------------------------------


def webhooks(site: Site, folder: Path, for_s: float, secret: str | None = SECRET, **changes: Any) -> Webhooks:
    addresses = Addresses(None, 60)
    return Webhooks(https=site.client(**changes), secret=secret, folder=folder, for_s=for_s, addresses=addresses)


def left(folder: Path, url: str) -> None:
    """A message of an earlier front."""
    message = WebhookMessage(id="msg_1", url=url, body="{}", ended=time.time())
    (folder / "1.webhook").write_text(message.model_dump_json())


def deliver(hooks: Callable[[], Webhooks], folder: Path) -> None:
    async def until_none_is_left() -> None:
        telling = hooks()
        telling.take_up()
        async with asyncio.timeout(180):
            while list(folder.glob("*.webhook")):
                await asyncio.sleep(0.02)
        await telling.close()

    asyncio.run(until_none_is_left())


def test_without_a_secret_nobody_is_told(hooked: Site, tmp_path: Path) -> None:
    silent = webhooks(hooked, tmp_path, 60, secret=None)
    asyncio.run(silent.check(None))
    with pytest.raises(Invalid, match="WEBHOOK_SECRET") as caught:
        asyncio.run(silent.check(hooked.url))
    assert (caught.value.code, caught.value.field) == ("no_webhooks", "webhook")


@pytest.mark.parametrize(("for_s", "count"), [(0.5, 1), (60, 2)])
def test_it_is_tried_for_as_long_as_the_answer_is_kept(hooked: Site, tmp_path: Path, for_s: float, count: int) -> None:
    hooked.statuses[:] = [500]
    left(tmp_path, hooked.url)
    deliver(lambda: webhooks(hooked, tmp_path, for_s), tmp_path)
    assert len(hooked.posts) == count


def test_an_address_that_has_become_private_is_told_nothing(hooked: Site, tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    left(tmp_path, hooked.url)
    deliver(lambda: webhooks(hooked, tmp_path, 60, allowed_hosts=[], resolve=resolve), tmp_path)
    assert hooked.posts == []


def test_a_receiver_that_cannot_be_reached_is_tried_again(hooked: Site, tmp_path: Path) -> None:
    tries = []

    async def resolve(host: str, port: int) -> list[str]:
        tries.append(host)
        if len(tries) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "later")
        return ["127.0.0.1"]

    left(tmp_path, hooked.url)
    deliver(lambda: webhooks(hooked, tmp_path, 60, resolve=resolve), tmp_path)
    assert len(hooked.posts) == 1


def test_a_secret_is_any_text_or_base64_that_says_so() -> None:
    assert key_of("any text") == b"any text"
    assert key_of("whsec_aGVsbG8=") == b"hello"
    assert Settings(WEBHOOK_SECRET="whsec_aGVsbG8=").webhook_secret is not None
    for bad in ("", "whsec_?"):
        with pytest.raises(ValueError, match="webhook_secret"):
            Settings(WEBHOOK_SECRET=bad)


def test_the_documented_snippet_tells_our_messages_from_others(hooked: Site, tmp_path: Path) -> None:
    snippet = re.findall(r"```python\n(.+?)```", (ROOT / "docs/jobs-and-batches.md").read_text(), re.S)[0]
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - of our own pages
    left(tmp_path, hooked.url)
    deliver(lambda: webhooks(hooked, tmp_path, 60), tmp_path)
    [(headers, content)] = hooked.posts
    assert names["is_genuine"](headers, content, SECRET)
    assert not names["is_genuine"](headers, content + b" ", SECRET)
    assert not names["is_genuine"](headers, content, SECRET[:-4] + "AAA=")
    old = headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 3600)}
    assert not names["is_genuine"](old, content, SECRET)
