"""Addresses and the variables of an environment: read, checked, shown. Pure: no network."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from ..exceptions import ModelChoiceError

__all__ = ["Environment", "checked_url", "is_loopback", "origin", "same_origin", "setting"]


class Environment(Mapping[str, str]):
    """Variables of an environment that do not show themselves, as a traceback would show them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return "<environment>"


def setting(environ: Mapping[str, str], name: str) -> str | None:
    """Return a variable of the environment without blanks around it; None if it is empty."""
    return environ.get(name, "").strip() or None


def origin(url: str) -> str:
    """Return scheme, host and port of an address: what may be shown of it.

    >>> origin("http://me:secret@localhost:11434/v1?key=1")
    'http://localhost:11434'
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{parts.port}" if parts.port else "")


def is_loopback(url: str) -> bool:
    """Does this address lead to this very machine?

    >>> [is_loopback(f"http://{host}:1/v1") for host in ("127.8.8.8", "localhost", "[::1]", "example.org")]
    [True, True, True, False]
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or bool(mapped and mapped.is_loopback)


def checked_url(url: str, what: str) -> str:
    """Return the address without a slash at the end, else raise `ModelChoiceError` naming ``what``."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        fine = False
    if not fine:
        raise ModelChoiceError(f"{what} is not an http(s) address, such as http://localhost:8000/v1")
    return url.rstrip("/")


def same_origin(url: str, other: str) -> bool:
    """Do both addresses lead to the same scheme, host and port?"""
    try:
        return origin(url) == origin(other)
    except ValueError:  # a port that is no number
        return False
