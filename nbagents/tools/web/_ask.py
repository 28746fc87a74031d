"""Ask a site, and put what comes of it into a `ServiceResponse`. What the tools of the web share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from ..._loop import background
from ...config import mask, redact
from ...exceptions import FetchError, WouldBlockLoopError
from ...fetch import SECONDS, Fetched, fetch
from .._service import ServiceExecStatus, ServiceResponse

__all__ = ["Unusable", "answer", "ask", "ask_json", "get", "text_in", "whole"]

_SHOWN = 300
"""Characters of a site's own words that are passed on."""


class Unusable(Exception):
    """What came cannot be used, and why. Never leaves the tools: `answer` tells it."""


def answer(work: Callable[[], Any], *secrets: str) -> ServiceResponse:
    """Do it, and return what came, or why it failed, with the keys masked in both."""
    try:
        status, content = ServiceExecStatus.SUCCESS, work()
    except (FetchError, Unusable) as error:
        status, content = ServiceExecStatus.ERROR, redact(str(error))
    keys = [key for key in secrets if key]
    return ServiceResponse(status, _masked(content, [*keys, *map(quote, keys), *map(quote_plus, keys)]))


def _masked(value: Any, keys: list[str]) -> Any:
    if not keys:
        return value
    if isinstance(value, str):
        for key in keys:
            value = value.replace(key, mask(key))
    elif isinstance(value, list):
        return [_masked(one, keys) for one in value]
    elif isinstance(value, dict):
        return {name: _masked(one, keys) for name, one in value.items()}
    return value


def get(
    url: str, *, headers: Mapping[str, str] | None = None, allow: Iterable[str] = (), **limits: Any
) -> Fetched:
    """Return what is behind an address, of any status. Blocking: an interrupt ends it.

    Raises:
        FetchError: it could not be had.
        WouldBlockLoopError: on the background loop; call the tool on a thread there.
    """
    if background().here():
        raise WouldBlockLoopError(
            "a tool of the web blocks, and was called on the background loop",
            hint="answer = await asyncio.to_thread(load_web, url)",
        )
    return background().run(fetch(url, headers=headers, allow=allow, **limits))


def ask(
    endpoint: str,
    parameters: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    allow: Iterable[str] = (),
    seconds: float = SECONDS,
) -> Fetched:
    """Return the answer of a service to a query.

    Raises:
        Unusable: it refuses.
        FetchError: it does not answer.
    """
    given = {key: value for key, value in parameters.items() if value is not None}
    query = urlencode(given, errors="replace")
    came = get(
        f"{endpoint}{'&' if '?' in endpoint else '?'}{query}", headers=headers, allow=allow, seconds=seconds
    )
    if not came.ok:
        host = urlsplit(endpoint).hostname
        said = _words(came)
        raise Unusable(f"{host} answered with the status {came.status}{': ' if said else ''}{said}")
    return came


def ask_json(endpoint: str, parameters: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Return the JSON object that a service answers.

    Raises:
        Unusable: it refuses, or answers something else.
        FetchError: it does not answer.
    """
    came = ask(endpoint, parameters, **options)
    try:
        told = came.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Unusable(f"{urlsplit(endpoint).hostname} did not answer with a JSON object")
    return told


def text_in(value: Any, *path: str) -> str:
    """Return a text out of what a service told, by its path; "" where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def whole(value: Any, least: int, most: int) -> int:
    """Return a number of results within what a service gives."""
    return max(least, min(int(value), most))


def _words(came: Fetched) -> str:
    """Return what a refusal says of itself."""
    if "json" in came.content_type:
        try:
            told = came.json()
        except ValueError:
            return ""
        error = told.get("error", told) if isinstance(told, dict) else told
        said = error if isinstance(error, str) else text_in(error, "message") or text_in(error, "info")
        return " ".join(said.split())[:_SHOWN]
    return ""
