"""`Address`: an address that may be fetched, in its parts, and the hosts that a programmer allows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..exceptions import FetchRefusedError, UsageError

if TYPE_CHECKING:
    import httpx2

__all__ = ["Address", "allowed_hosts"]

LONGEST = 8000
"""Characters of an address."""
_HOST = re.compile(r"[a-z0-9._-]+\Z|[0-9a-f:.]+\Z", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}
# Ports above 1023 where something else than HTTP listens; browsers refuse these too.
_CLOSED = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679}
    | {6697, 10080}
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to: ``host`` in the letters that go over the wire, ``url`` as the client takes it."""

    url: httpx2.URL
    host: str
    port: int

    @classmethod
    def of(cls, url: Any, whose: str = "") -> Address:
        """Take an address apart. ``whose`` is the host that has led here, for the errors.

        Raises:
            FetchRefusedError: it is none, or of a kind that is not fetched.
        """
        import httpx2

        whose = whose or "the address"
        if not isinstance(url, (str, httpx2.URL)) or len(str(url)) > LONGEST:
            raise FetchRefusedError(
                f"{whose} is not fetched: an address is a text of at most {LONGEST} characters"
            )
        try:
            parsed = httpx2.URL(url)
            scheme, host = parsed.scheme, parsed.raw_host.decode("ascii")
            port = parsed.port if parsed.port is not None else _PORTS.get(scheme, 0)
        except (httpx2.InvalidURL, UnicodeError, ValueError):
            raise FetchRefusedError(
                f"{whose} is not fetched: it is no address of the web, or leads to none"
            ) from None
        why = ""
        if scheme not in _PORTS:
            why = "only http and https addresses are"
        elif not _HOST.match(host):
            why = "it names no host, or leads to none"
        elif parsed.userinfo:
            why = "an address with a name or password in it is not"
        if why:
            raise FetchRefusedError(f"{whose} is not fetched: {why}", hint="https://…")
        return cls(parsed, host.lower(), port)

    def check_port(self, whose: str) -> None:
        """Raise FetchRefusedError if another service than a web site listens at such ports."""
        if self.port not in _PORTS.values() and (self.port < 1024 or self.port in _CLOSED):
            raise FetchRefusedError(f"{whose} is not fetched: port {self.port} is not one of web sites")

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whose place this is: scheme, host and port."""
        return self.url.scheme, self.host, self.port


def allowed_hosts(allow: Iterable[str]) -> frozenset[tuple[str, int | None]]:
    """Return the hosts that a programmer has named, ``"localhost"`` or ``"127.0.0.1:8000"``.

    >>> sorted(allowed_hosts(["127.0.0.1:8000", "[::1]:80"]))
    [('127.0.0.1', 8000), ('::1', 80)]

    Raises:
        UsageError: that is none.
    """
    found = set()
    for one in [allow] if isinstance(allow, str) else allow:
        try:
            parts = urlsplit(f"//{one}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or "@" in one or parts.path or parts.query or parts.fragment:
            raise UsageError(f"allow names hosts, and {one!r} is none", hint='allow=["127.0.0.1:8000"]')
        found.add((host, port))
    return frozenset(found)
