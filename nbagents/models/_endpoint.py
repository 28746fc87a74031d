"""`Endpoint`: where a model answers, and with which key. Decided here, and nowhere else.

The key of the environment goes to the address of the environment, or to OpenAI, and to no other:
a configuration that came with somebody's notebook cannot lead it away. Pure: no network.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..config import Secret, wrap_secrets
from ..exceptions import ModelChoiceError, UsageError

__all__ = [
    "OPENAI_URL",
    "Endpoint",
    "Environment",
    "checked_url",
    "is_loopback",
    "openai_key",
    "origin",
    "resolve",
    "setting",
]

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that speaks OpenAI's chat protocol, and what is sent along to it."""

    base_url: str
    api_key: Secret | None = None
    organization: str | None = None
    project: str | None = None
    headers: Mapping[str, Secret | str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Endpoint:
        """Return the endpoint of a configuration that `resolve` has completed."""
        headers = config.get("client_args", {}).get("default_headers", {})
        return cls(
            config["base_url"],
            config.get("api_key"),
            config.get("organization"),
            config.get("project"),
            headers,
        )

    @property
    def is_openai(self) -> bool:
        """Is this OpenAI's own service?"""
        host = urlsplit(self.base_url).hostname or ""
        return host == "api.openai.com" or host.endswith(".api.openai.com")

    @property
    def host(self) -> str:
        """The host as people read it, with the port where one is given."""
        return origin(self.base_url).partition("://")[2]


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


def openai_key(environ: Mapping[str, str]) -> Secret | None:
    """Return OPENAI_API_KEY without blanks around it; None if it is empty."""
    return Secret(environ["OPENAI_API_KEY"].strip()) if setting(environ, "OPENAI_API_KEY") else None


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


def resolve(config: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration of a chat model with nothing left to the environment.

    ``base_url`` and ``api_key`` are looked for in ``client_args`` too, as AgentScope has them.

    Raises:
        ModelChoiceError: the address is none.
        UsageError: ``client_args`` is no dictionary.
    """
    config, environ = wrap_secrets(config), Environment(environ)
    found: dict[str, Any] = dict(config)
    if found.get("endpoint") is not None:
        return found
    args = found.get("client_args") or {}
    if not isinstance(args, dict):
        raise UsageError(f"{_whose(found)}: client_args must be a dictionary")
    args = dict(args)
    for name in ("base_url", "api_key", "organization", "project"):
        inner = args.pop(name, None)
        found[name] = found.get(name) if found.get(name) is not None else inner
    theirs = setting(environ, "OPENAI_BASE_URL")
    if found["base_url"]:
        url = checked_url(str(found["base_url"]), f"{_whose(found)}: base_url")
    else:
        url = checked_url(theirs or OPENAI_URL, "OPENAI_BASE_URL")
    key, headers = found["api_key"], args.pop("default_headers", None) or {}
    if origin(url) == origin(OPENAI_URL) or (theirs and _same_origin(url, theirs)):
        key = key or openai_key(environ)
        found["organization"] = found["organization"] or setting(environ, "OPENAI_ORG_ID")
        found["project"] = found["project"] or setting(environ, "OPENAI_PROJECT_ID")
        headers = _custom_headers(environ) | headers
    if key and not re.fullmatch(r"[!-~]+", key.reveal()):
        raise ModelChoiceError(
            f"{_whose(found)}: the key holds blanks, line ends or characters that no key has; copy it again"
        )
    args |= {"default_headers": headers} if headers else {}
    found.update(base_url=url, api_key=key or None, client_args=args)
    return {name: value for name, value in found.items() if value not in (None, {})}


def _custom_headers(environ: Mapping[str, str]) -> dict[str, Secret]:
    lines = (line.partition(":") for line in environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines())
    return {name.strip(): Secret(value.strip()) for name, colon, value in lines if colon}


def _same_origin(url: str, other: str) -> bool:
    try:
        return origin(url) == origin(other)
    except ValueError:  # a port that is no number
        return False


def _whose(config: Mapping[str, Any]) -> str:
    return f"the model configuration {config.get('config_name', '')!r}"
