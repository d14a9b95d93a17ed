"""Fetching from https without being sent elsewhere: what was checked is what is connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Collection
from pathlib import Path

import httpx

from serve.errors import InputUnavailable, Invalid, TooLarge, is_disk_full

_MAX_REDIRECTS = 3
_TOTAL_S, _SILENCE_S = 30.0, 10.0


class Https:
    """A client for one-off downloads.

    Args:
        allowed_hosts: the only hosts to fetch from, which may then be private; empty: any public host.
        verify: the certificates to trust; None: the system's usual ones.
    """

    def __init__(self, allowed_hosts: Collection[str] = (), verify: ssl.SSLContext | None = None) -> None:
        self._allowed_hosts = allowed_hosts
        self._client = httpx.AsyncClient(
            verify=verify or True, trust_env=False, follow_redirects=False, timeout=httpx.Timeout(_SILENCE_S)
        )

    async def download(self, url: str, to: Path, max_bytes: int, field: str) -> None:
        """Write what `url` serves to a file, following at most three redirects, each checked anew."""
        try:
            async with asyncio.timeout(_TOTAL_S):
                for _ in range(_MAX_REDIRECTS + 1):
                    next_url = await self._hop(httpx.URL(url), to, max_bytes, field)
                    if next_url is None:
                        return
                    url = next_url
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            if is_disk_full(error):
                raise
            detail = f"'{field}' could not be fetched: {type(error).__name__}"
            raise InputUnavailable(detail, field=field, retryable=True) from None
        raise InputUnavailable(f"'{field}' was redirected more than {_MAX_REDIRECTS} times", field=field)

    async def _hop(self, url: httpx.URL, to: Path, max_bytes: int, field: str) -> str | None:
        """One request. Returns where it redirects to, or None when the file is complete."""
        address = await self._checked_address(url, field)
        request = self._client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={"Host": url.netloc.decode()},
            extensions={"sni_hostname": url.host},  # the certificate must still be the named host's
        )
        response = await self._client.send(request, stream=True)
        try:
            if response.is_redirect:
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

    async def _checked_address(self, url: httpx.URL, field: str) -> str:
        if url.scheme != "https" or not url.host or url.userinfo:
            raise Invalid(f"'{field}' must be a plain https URL", field=field, code="bad_url")
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not (url.host in self._allowed_hosts if self._allowed_hosts else all(map(is_public, addresses))):
            raise Invalid(f"'{field}' names a host that is not allowed here", field=field, code="host_not_allowed")
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is a public unicast one, IPv4 written as IPv6 included."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


async def _write(response: httpx.Response, to: Path, max_bytes: int, field: str) -> None:
    written = 0
    with to.open("wb") as file:
        async for chunk in response.aiter_bytes():
            written += file.write(chunk)
            if written > max_bytes:
                raise TooLarge(f"'{field}' is larger than {max_bytes} bytes", field=field)
