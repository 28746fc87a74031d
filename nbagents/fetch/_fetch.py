"""`fetch`: one request, its redirects and its limits."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._loop import background
from .._threads import on_thread
from .._version import __version__
from ..exceptions import FetchError, FetchRefusedError, UsageError
from ._address import Address, allowed_hosts
from ._fetched import Fetched

if TYPE_CHECKING:
    from ._network import Network

__all__ = ["MOST", "SECONDS", "fetch"]

MOST = 10 * 2**20
"""Bytes of a body, unpacked."""
SECONDS = 20.0
"""For all of it: names, redirects, and the last byte."""
REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_STAY = frozenset({"accept", "accept-language"})
"""Headers that go along to another host; any other may hold a key."""
_PACKED = frozenset({"", "identity", "gzip", "deflate"})

_trust: ssl.SSLContext | None = None
_loading = threading.Lock()


async def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    most: int = MOST,
    seconds: float = SECONDS,
    allow: Iterable[str] = (),
) -> Fetched:
    """Return what is behind an address, whatever its status. From any loop; cancelling ends it.

    Each host, that of ``url`` and that of each redirect (at most five), is resolved once, looked at, and
    connected to by the address that was looked at. ``allow`` names hosts (``"localhost"``,
    ``"127.0.0.1:8000"``) that may be private; it is for programmers, and nothing that a model says may get
    into it. ``most`` bytes are read at most, unpacked; ``seconds`` are for all of it. To another host than
    the first neither ``headers`` nor ``body`` go.

    Raises:
        FetchRefusedError: the address is none of the public web, or redirects to one that is not.
        FetchError: it could not be had: no such host, no answer, too large, out of time.
        UsageError: ``allow`` does not hold hosts, or the headers or the method are none.
    """
    allowed = allowed_hosts(allow)
    wanted = _Wanted(method.upper(), dict(headers or {}), body, most)
    work = _in_time(url, wanted, allowed, seconds)
    return await background().cross(work)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked of each host, until a redirect changes it."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None
    most: int


async def _in_time(url: Any, wanted: _Wanted, allowed: frozenset[Any], seconds: float) -> Fetched:
    trust = await on_thread(_load)  # it takes a third of a second, the first time
    address = Address.of(url)
    try:
        async with asyncio.timeout(seconds):
            return await _followed(address, wanted, allowed, trust)
    except TimeoutError:
        raise FetchError(f"{address.host} cannot be fetched: it did not come within {seconds:g} s") from None


def _load() -> ssl.SSLContext:
    """Import the client, and read the certificates that the system trusts."""
    global _trust
    import httpx2

    from . import _network  # noqa: F401

    with _loading:
        if _trust is None:
            _trust = httpx2.create_ssl_context()
    return _trust


async def _followed(
    address: Address, wanted: _Wanted, allowed: frozenset[Any], trust: ssl.SSLContext
) -> Fetched:
    from ._network import Network

    first, whose = address.origin, address.host
    network = Network(whose, allowed)
    for _ in range(REDIRECTS + 1):
        if not network.allows(address.host, address.port):
            address.check_port(whose)
        answer = await _asked(address, wanted, network, trust, whose)
        if isinstance(answer, Fetched):
            return answer
        status, location = answer
        address = Address.of(_joined(address, location, whose), whose)
        if wanted.method not in ("GET", "HEAD") and status in (301, 302, 303):
            wanted = replace(wanted, method="GET", body=None)
        if address.origin != first:
            if wanted.body is not None:
                raise FetchRefusedError(f"{whose} is not sent to: it redirects what is sent to another host")
            kept = {name: value for name, value in wanted.headers.items() if name.lower() in _STAY}
            wanted = replace(wanted, headers=kept)
    raise FetchError(f"{whose} cannot be fetched: it redirects more than {REDIRECTS} times")


def _joined(address: Address, location: str, whose: str) -> Any:
    import httpx2

    try:
        return address.url.join(location)
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        raise FetchRefusedError(f"{whose} is not fetched: it redirects to what is no address") from None


async def _asked(
    address: Address, wanted: _Wanted, network: Network, trust: ssl.SSLContext, whose: str
) -> Fetched | tuple[int, str]:
    """Ask one host; return its answer, or the status and the aim of its redirect."""
    import httpcore2
    import httpx2

    sent = httpx2.Headers({"accept": "*/*", "user-agent": f"nbagents/{__version__}"})
    try:
        sent.update(wanted.headers)
    except (UnicodeError, TypeError, ValueError):
        raise UsageError(f"the headers for {whose} cannot be sent") from None
    sent.update({"accept-encoding": "gzip, deflate", "connection": "close"})
    to = address.url
    url = httpcore2.URL(scheme=to.raw_scheme, host=to.raw_host, port=to.port, target=to.raw_path)
    try:
        # No httpx2.AsyncClient: it logs addresses, and a key may stand in one.
        async with (
            httpcore2.AsyncConnectionPool(ssl_context=trust, network_backend=network) as pool,
            pool.stream(wanted.method, url, headers=sent.raw, content=wanted.body) as raw,
        ):
            told = httpx2.Headers(raw.headers)
            if raw.status in _REDIRECTS and told.get("location"):
                return raw.status, told["location"]
            data = b"" if wanted.method == "HEAD" else await _read(raw, told, wanted.most, whose)
            return Fetched(str(to), raw.status, dict(told.items()), data)
    except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
        raise FetchError(f"{whose} cannot be fetched: {_why(error)}") from None
    except httpcore2.LocalProtocolError:
        raise UsageError(f"the request to {whose} cannot be sent: a header or the method is none") from None
    except (httpcore2.ProtocolError, httpx2.DecodingError, UnicodeError):
        raise FetchError(f"{whose} cannot be fetched: what it answers is no HTTP") from None


async def _read(raw: Any, told: Any, most: int, whose: str) -> bytes:
    """Read a body and unpack it piece by piece, so that little cannot become too much."""
    import httpx2

    if told.get("content-encoding", "").strip().lower() not in _PACKED:  # a list of them neither
        raise FetchError(f"{whose} cannot be fetched: its answer is packed in a way that nobody asked for")
    too_large = FetchError(f"{whose} is not fetched: what is there is larger than {most} bytes")
    said = told.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > most:
        raise too_large
    unpacked = httpx2.Response(raw.status, headers=told, content=raw.aiter_stream())
    data = bytearray()
    async for piece in unpacked.aiter_bytes():
        data += piece
        if len(data) > most:
            raise too_large
        await asyncio.sleep(0)  # others have their turn
    return bytes(data)


def _why(error: BaseException) -> str:
    import httpcore2

    causes, cause = [error], error.args[:1]  # the client hands the first cause over as a text's stead
    while cause and isinstance(cause[0], BaseException):
        causes.append(cause[0])
        cause = (cause[0].__cause__,)
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes):
        return "its certificate is not one that this machine trusts"
    if any(isinstance(one, ssl.SSLError) for one in causes):
        return "no safe connection (TLS) can be made"
    if isinstance(error, (httpcore2.ConnectError, httpcore2.ConnectTimeout)):
        return "nobody answers there"
    return "the connection broke off"
