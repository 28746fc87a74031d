"""One POST of JSON, with its retries: the only retry layer of models behind addresses of their own."""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import context
from .._surrogates import well_formed
from ..config import Secret, redact
from ..exceptions import ModelUnavailableError, NbAgentsError, UsageError
from ._client import openai_module, pool_for
from ._endpoint import Endpoint
from ._failure import refusal, too_slow, unreachable, unusable
from ._wire import revealed

__all__ = ["LONGEST_WAIT", "Post", "post", "retry_after"]

LONGEST_WAIT = 60.0
"""Seconds that are waited before a request is sent again, whatever the endpoint asks for."""
LARGEST = 64 * 2**20
"""Bytes of an answer that are read."""
_SHOWN = 300  # characters of an endpoint's own words that are passed on
_TAKEN = frozenset({"allow_redirects", "auth", "follow_redirects", "params"})
_AGAIN = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Post:
    """Where to, with what besides the body, for how long, and how often."""

    url: str
    headers: Mapping[str, Secret | str]
    args: Mapping[str, Any]
    timeout: float
    tries: int
    interval: float
    whose: str

    def __post_init__(self) -> None:
        odd = sorted(set(self.args) - _TAKEN)
        if odd:
            raise UsageError(
                f"{self.whose}: post_args cannot hold {', '.join(odd)}; it can hold:"
                f" {', '.join(sorted(_TAKEN))}"
            )


async def post(to: Post, body: Mapping[str, Any], *, endpoint: Endpoint, label: str) -> Any:
    """Send the body and return the JSON that comes back. On the background loop.

    Raises:
        ModelError: it could not be had; the message says why, and what to do.
        UsageError: the body cannot be written as JSON.
    """
    await openai_module()  # it brings the HTTP client
    for turn in range(1, to.tries + 1):
        answer = await _once(to, body, endpoint, label)
        if not isinstance(answer, _Failed):
            return answer
        if answer.wait is None or turn == to.tries:
            break
        await asyncio.sleep(answer.wait or to.interval * turn * random.uniform(0.8, 1.2))  # noqa: S311  # no secret
    raise answer.error


@dataclass(frozen=True, slots=True)
class _Failed:
    """A try that failed: with what, and whether it is worth another one, after how many seconds."""

    error: NbAgentsError
    wait: float | None = None


async def _once(to: Post, body: Mapping[str, Any], endpoint: Endpoint, label: str) -> Any:
    """Try once. What fails is returned: the frames of this function hold keys."""
    try:
        content = json.dumps(well_formed(revealed(body)), ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        problem = f"{label}: the request cannot be sent: {redact(str(error))[:300]}"
        return _Failed(UsageError(problem))
    headers = {"content-type": "application/json", **{str(k): v for k, v in revealed(to.headers).items()}}
    if span := context.traceparent.get():
        headers["traceparent"] = span
    args = revealed(to.args)
    more = {
        "params": args.get("params"),
        "auth": tuple(args["auth"]) if args.get("auth") else None,
        "follow_redirects": bool(args.get("allow_redirects", args.get("follow_redirects", False))),
        "timeout": to.timeout or None,
    }
    try:
        async with (
            asyncio.timeout(to.timeout or None),
            pool_for(to.url).stream("POST", to.url, content=content, headers=headers, **more) as response,
        ):
            data = b""
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > LARGEST:
                    return _Failed(unusable(endpoint, label, f"it is larger than {LARGEST // 2**20} MiB"))
    except TimeoutError:
        return _Failed(too_slow(endpoint, label, to.timeout), 0.0)
    except Exception as error:  # noqa: BLE001  # whatever it is, its frames hold the key
        failure = unreachable(error, endpoint, label, to.timeout)
        return _Failed(failure, 0.0 if isinstance(failure, ModelUnavailableError) else None)
    return _judged(response, data, endpoint, label)


def _judged(response: Any, data: bytes, endpoint: Endpoint, label: str) -> Any:
    status = int(response.status_code)
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        answer = None
    if status == 200 and answer is not None:
        return answer
    secrets = endpoint.headers.values()
    said = " ".join(redact(_words(answer, data), *secrets).split())[:_SHOWN]
    if 200 <= status < 300:
        problem = f"it is no JSON: {said!r}" if said else "it is empty"
        return _Failed(unusable(endpoint, label, problem))
    if 300 <= status < 400:
        return _Failed(unusable(endpoint, label, f"it sends to another address ({status})"))
    wait = retry_after(response.headers)
    error = refusal(status, said, endpoint, label, retry_after=wait)
    return _Failed(error, wait or 0.0 if status in _AGAIN or status >= 500 else None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds an endpoint asks to be left alone, at most `LONGEST_WAIT`.

    None if it does not.

    >>> retry_after({"retry-after": "2"}), retry_after({"retry-after-ms": "20"}), retry_after({})
    (2.0, 0.02, None)
    >>> dates = {"date": "Sat, 28 Nov 2026 11:00:00 GMT", "retry-after": "Sat, 28 Nov 2026 11:00:05 GMT"}
    >>> retry_after(dates)
    5.0
    """
    said, in_ms = headers.get("retry-after"), headers.get("retry-after-ms")
    try:
        if in_ms is not None:
            seconds = float(in_ms) / 1000
        elif said is None:
            return None
        elif said.strip().replace(".", "", 1).isdecimal():
            seconds = float(said)
        else:  # a time of day: by the endpoint's own clock, which need not be ours
            parsed = email.utils.parsedate_to_datetime
            seconds = (parsed(said) - parsed(headers.get("date", ""))).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _words(answer: Any, data: bytes) -> str:
    """Return what an answer says of itself."""
    if isinstance(answer, dict):
        for part in (answer.get("error"), answer):
            if isinstance(part, str):
                return part
            for key in ("message", "Message", "detail", "error"):
                if isinstance(part, dict) and isinstance(part.get(key), str):
                    return str(part[key])
    return data[: 4 * _SHOWN].decode("utf-8", "replace")
