"""`fetch`: what is behind an address that an endpoint has named. Blocking; loaded when one has."""

from __future__ import annotations

import http.client
import ipaddress
import time
import urllib.error
import urllib.request

__all__ = ["fetch"]


def fetch(url: str, *, most: int, seconds: float, near: str | None = None) -> bytes:
    """Return what is there, of more than ``most`` bytes the first; ``seconds`` are for all of it.

    Machines of private networks, this one too, are not asked, unless the host is ``near``: where the
    endpoint is itself. So it is with every host that a redirection leads to.

    Raises:
        OSError: it cannot be fetched, is not to be, or the time is up.
    """
    limit = time.monotonic() + seconds

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            _check(self, near)

    class Secure(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            _check(self, near)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Secure, req)

    opener = urllib.request.OpenerDirector()
    for handler in (
        PlainHandler,
        SecureHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    data = b""
    request = urllib.request.Request(url, headers={"accept": "image/*"})  # noqa: S310  # no handler for files
    try:
        with opener.open(request, timeout=seconds) as answer:
            while len(data) < most and (piece := answer.read1(most - len(data))):
                data += piece
                if time.monotonic() > limit:
                    raise TimeoutError(f"it did not come within {seconds:g} s")
    except urllib.error.HTTPError as error:  # it holds the connection
        error.close()
        raise
    return data


def _check(connection: http.client.HTTPConnection, near: str | None) -> None:
    """Look at whom a connection has reached, since a name may lead anywhere; nothing was sent yet."""
    peer = ipaddress.ip_address(connection.sock.getpeername()[0])
    peer = getattr(peer, "ipv4_mapped", None) or peer
    if not peer.is_global and connection.host != near:
        connection.close()
        raise PermissionError(f"{connection.host} is in a private network")
