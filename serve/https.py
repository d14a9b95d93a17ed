"""Fetching from https, and telling, without being sent elsewhere: what was checked is what is connected to."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import httpx

from serve.codes import FrontCode
from serve.errors import InputUnavailable, Invalid, TooLarge, is_disk_full

Resolve = Callable[[str, int], Awaitable[list[str]]]  # host, port -> its addresses, the one to use first

_MAX_REDIRECTS, _LAST_PORT = 3, 65535  # a signed link redirects once or twice; TCP's last port
_MOST_ADDRESSES = 4  # of one host, tried one after the other
_IPV6_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is assigned for it
_IETF = ipaddress.IPv4Network("192.0.0.0/24")  # older Pythons take most of it for public; a cloud's metadata is there
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # where DNS64 puts the IPv4 internet


async def resolve(host: str, port: int) -> list[str]:
    """The system's answer, in the system's order.

    Raises:
        OSError: no such host.
        UnicodeError: no host can have this name.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def trusted() -> ssl.SSLContext:
    """The authorities of the public web, and the system's, `SSL_CERT_FILE`'s among them."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class Https:
    """A client for one-off downloads and messages.

    Args:
        allowed_hosts: the only hosts to fetch from, which may then be private; empty: any public host.
        total_s: how long one download may take, redirects included.
        silence_s: how long a server may say nothing.
        verify: the certificates to trust.
        resolve: asked once per request, so that no second answer can differ from the checked one.
    """

    def __init__(
        self,
        allowed_hosts: Collection[str] = (),
        *,
        total_s: float = 30.0,
        silence_s: float = 10.0,
        verify: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._total_s = total_s
        self._resolve = resolve
        self._client = httpx.AsyncClient(
            verify=verify or trusted(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(silence_s),
            # A kept connection is known by its address; the next host there might have another certificate.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def download(self, url: str, to: Path, max_bytes: int, field: str) -> None:
        """Write what `url` serves to a file, following at most three redirects, each checked anew."""
        async with self._within_limits(field):
            for _ in range(_MAX_REDIRECTS + 1):
                next_url = await self._hop(httpx.URL(url), to, max_bytes, field)
                if next_url is None:
                    return
                url = next_url
        raise InputUnavailable(f"'{field}' was redirected more than {_MAX_REDIRECTS} times", field=field)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], field: str) -> int:
        """Send something; returns the status. Of the answer nothing else is read, and no redirect is followed."""
        async with self._within_limits(field):
            target = httpx.URL(url)
            addresses = await self._checked_addresses(target, field)
            response = await self._first_answer(target, addresses, "POST", content, headers)
            await response.aclose()
            return response.status_code

    async def check(self, url: str, field: str) -> None:
        """Refuse what neither would go to."""
        async with self._within_limits(field):
            await self._checked_addresses(httpx.URL(url), field)

    @contextlib.asynccontextmanager
    async def _within_limits(self, field: str) -> AsyncIterator[None]:
        """What runs inside has so much time, and fails as a problem of the field."""
        try:
            async with asyncio.timeout(self._total_s):
                yield
        except (httpx.InvalidURL, UnicodeError):
            raise _bad_url(field) from None
        except socket.gaierror as error:
            detail, passing = f"'{field}' names a host that has no address", error.errno == socket.EAI_AGAIN
            raise InputUnavailable(detail, field=field, retryable=passing) from None
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            if is_disk_full(error):
                raise
            detail = f"'{field}' could not be reached: {type(error).__name__}"
            raise InputUnavailable(detail, field=field, retryable=True) from None

    async def _hop(self, url: httpx.URL, to: Path, max_bytes: int, field: str) -> str | None:
        """One request. Returns where it redirects to, or None when the file is complete."""
        response = await self._first_answer(url, await self._checked_addresses(url, field), "GET")
        try:
            if response.has_redirect_location:
                return str(url.join(response.headers["Location"]))
            if response.status_code != httpx.codes.OK:
                detail, passing = (
                    f"'{field}' could not be fetched: HTTP {response.status_code}",
                    response.is_server_error,
                )
                raise InputUnavailable(detail, field=field, retryable=passing)
            await _write(response, to, max_bytes, field)
            return None
        finally:
            await response.aclose()

    async def _first_answer(
        self,
        url: httpx.URL,
        addresses: Sequence[str],
        method: str,
        content: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> httpx.Response:
        """The answer of the first address that can be connected to."""
        *others, last = (
            self._client.build_request(
                method,
                url.copy_with(host=address),
                content=content,
                headers={"Host": url.netloc.decode(), "Accept-Encoding": "identity", **headers},
                extensions={"sni_hostname": url.host},  # the certificate must still be the named host's
            )
            for address in addresses[:_MOST_ADDRESSES]
        )
        for request in others:
            with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._client.send(request, stream=True)
        return await self._client.send(last, stream=True)

    async def _checked_addresses(self, url: httpx.URL, field: str) -> list[str]:
        port = url.port or 443
        if url.scheme != "https" or not url.host or url.userinfo or port > _LAST_PORT:
            raise _bad_url(field)
        addresses = await self._resolve(url.host, port)
        if not (url.host in self._allowed_hosts if self._allowed_hosts else all(map(is_public, addresses))):
            raise Invalid(
                f"'{field}' names a host that is not allowed here", field=field, code=FrontCode.HOST_NOT_ALLOWED
            )
        return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is a public unicast one. IPv4 inside IPv6 is judged as the IPv4 address it leads to."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast and ip not in _IETF
    if ip.ipv4_mapped is not None or ip in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip in _IPV6_UNICAST and ip.is_global and ip.sixtofour is None


def _bad_url(field: str) -> Invalid:
    return Invalid(f"'{field}' must be a plain https URL", field=field, code=FrontCode.BAD_URL)


async def _write(response: httpx.Response, to: Path, max_bytes: int, field: str) -> None:
    written = 0
    with to.open("wb") as file:
        async for chunk in response.aiter_raw():  # never unpacked: few bytes could become many
            written += file.write(chunk)
            if written > max_bytes:
                raise TooLarge(f"'{field}' is larger than {max_bytes} bytes", field=field)
