"""`Network`: the network as `fetch` sees it. Names are resolved once, and what is not public is not there.

The one place that connects. Loaded at the first use, since it brings the HTTP client.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Any

import httpcore2

from .._threads import on_thread
from ..exceptions import FetchError, FetchRefusedError
from ._public import Address, is_public, literal

__all__ = ["Allowed", "Network"]

Allowed = Collection[tuple[str, int | None]]
TRIED = 3
"""Addresses of one host that are tried."""
EACH = 6.0
"""Seconds for each to answer."""


class Network(httpcore2.AsyncNetworkBackend):
    """Connects to public addresses, and to those hosts that are allowed: pairs of a name and a port, or None.

    ``whose`` is the host that was asked for, which errors name: where it redirects to is its own matter.
    """

    def __init__(self, whose: str, allowed: Allowed) -> None:
        self._whose, self._allowed = whose, allowed
        self._network = httpcore2.AnyIOBackend()

    def allows(self, host: str, port: int) -> bool:
        """Has the programmer named this host?"""
        return (host, None) in self._allowed or (host, port) in self._allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the client's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to a host by an address that was looked at, and by no name.

        Raises:
            FetchRefusedError: it is not public.
            FetchError: there is no such host.
            httpcore2.ConnectError, httpcore2.ConnectTimeout: it does not answer.
        """
        failure: Exception | None = None
        for address in (await self._addresses(host, port))[:TRIED]:
            try:
                return await self._network.connect_tcp(str(address), port, timeout=EACH)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no address leads to a file."""
        raise FetchRefusedError(f"{self._whose} is not fetched: it leads to a socket of this machine")

    async def _addresses(self, host: str, port: int) -> list[Address]:
        """Return where a host is. One address that is not public spoils all: its name is used for a trick."""
        try:
            written = literal(host)
        except ValueError:
            raise FetchRefusedError(
                f"{self._whose} is not fetched: it leads to an IP address in an odd spelling",
                hint="write IPv4 addresses as four decimal numbers",
            ) from None
        found = [written] if written is not None else await on_thread(_resolved, self._whose, host, port)
        trusted = self.allows(host, port)
        for address in found:
            if not (trusted or is_public(address)):
                raise FetchRefusedError(
                    f"{self._whose} is not fetched: it leads into a private network, or to this machine"
                )
        return found


def _resolved(whose: str, host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError(f"{whose} cannot be fetched: there is no such host, or it leads to none") from None
    return list(dict.fromkeys(ip_address(place[4][0]) for place in found))
