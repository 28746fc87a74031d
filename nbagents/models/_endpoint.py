"""`Endpoint`: where a model answers, and with which key. Decided here, and nowhere else.

A key of the environment goes to the address that the environment names, or to that of the provider whose
key it is, and to no other: a configuration that came with somebody's notebook cannot lead it away. Pure:
no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..config import Secret, wrap_secrets
from ..exceptions import ModelChoiceError, UsageError
from ._address import Environment, checked_url, origin, same_origin, setting
from ._providers import PROVIDERS, Provider, provider_of

__all__ = ["Endpoint", "resolve"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that speaks OpenAI's protocol, and what is sent along to it."""

    base_url: str
    api_key: Secret | None = None
    organization: str | None = None
    project: str | None = None
    headers: Mapping[str, Secret | str] = field(default_factory=dict)
    key_variable: str = "OPENAI_API_KEY"
    """The variable that its key is taken from."""

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
            provider_of(config).key_variable,
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


def resolve(config: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration of a model behind OpenAI's protocol with nothing left to the environment.

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
    provider = provider_of(found)
    place = provider.address(environ)
    if found["base_url"]:
        url = checked_url(str(found["base_url"]), f"{_whose(found)}: base_url")
    else:
        url = checked_url(place, provider.url_variable)
    key, headers = found["api_key"], args.pop("default_headers", None) or {}
    if same_origin(url, provider.base_url) or same_origin(url, place):
        key = key or _key_in(environ, provider)
        if provider is PROVIDERS["openai"]:
            found["organization"] = found["organization"] or _organization(environ)
            found["project"] = found["project"] or setting(environ, "OPENAI_PROJECT_ID")
            headers = _custom_headers(environ) | headers
    if key and not re.fullmatch(r"[!-~]+", key.reveal()):
        raise ModelChoiceError(
            f"{_whose(found)}: the key holds blanks, line ends or characters that no key has; copy it again"
        )
    args |= {"default_headers": headers} if headers else {}
    found.update(base_url=url, api_key=key or None, client_args=args)
    return {name: value for name, value in found.items() if value not in (None, {})}


def _key_in(environ: Mapping[str, str], provider: Provider) -> Secret | None:
    return Secret(environ[provider.key_variable].strip()) if provider.key(environ) else None


def _organization(environ: Mapping[str, str]) -> str | None:
    return setting(environ, "OPENAI_ORGANIZATION") or setting(environ, "OPENAI_ORG_ID")


def _custom_headers(environ: Mapping[str, str]) -> dict[str, Secret]:
    lines = (line.partition(":") for line in environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines())
    return {name.strip(): Secret(value.strip()) for name, colon, value in lines if colon}


def _whose(config: Mapping[str, Any]) -> str:
    return f"the model configuration {config.get('config_name', '')!r}"
