"""Say in a line why a model's endpoint did not answer as asked, and what to do.

Turns what the openai package raises into our `ModelError` family. The errors made here carry no
key: not in their text, and not through a chain to the client's own frames.
"""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from .. import context
from ..config import redact
from ..exceptions import (
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelResponseError,
    ModelUnavailableError,
    NbAgentsError,
    UsageError,
)
from ._address import is_loopback, origin
from ._endpoint import Endpoint

__all__ = [
    "ended_early",
    "explain",
    "refusal",
    "said_nothing",
    "too_slow",
    "unreachable",
    "unusable",
]

_MOST = 300  # characters of an endpoint's own words that are passed on
_KEY_HEADERS = frozenset({"authorization", "x-api-key", "api-key"})
_OWNERS = {"OPENAI_API_KEY": "OpenAI"}
_HINTS = {
    "response_format": "a model that knows structured output, or leave structured_model out",
    "json_schema": "a model that knows structured output, or leave structured_model out",
    "context": "a shorter memory, or a model with a larger context",
    "maximum length": "a shorter memory, or a model with a larger context",
    "tool": "a model that is made for tools, or leave tools out",
    "image": "a model that takes pictures, or leave them out",
}
"""What to do about a refusal, by a word in it."""


def explain(
    error: Exception, openai: ModuleType, *, endpoint: Endpoint, label: str, timeout: float, partial: str = ""
) -> NbAgentsError:
    """Return our error for one that came up during a request.

    The text begins with the agent whose call this is, if any. ``partial``, the text that had come
    before the failure, is kept as an attribute of the same name.
    """
    whose = _whose()
    if isinstance(error, openai.APIStatusError):
        failure = _status(error, endpoint, label)
    elif isinstance(error, openai.APITimeoutError):
        if _caused_by(error, "ConnectTimeout"):
            failure = _connection(error, endpoint, label)
        else:
            failure = too_slow(endpoint, label, timeout, partial)
    elif isinstance(error, openai.APIConnectionError):
        failure = _cut(label, endpoint, partial) if partial else _connection(error, endpoint, label)
    elif isinstance(error, TypeError):
        said = redact(str(error), endpoint.api_key)[:_MOST]
        return UsageError(f"{whose}{label}: the request cannot be sent: {said}")
    elif _caused_by(error, "TransportError"):  # half-way through a stream
        slow = _caused_by(error, "TimeoutException")
        failure = too_slow(endpoint, label, timeout, partial) if slow else _cut(label, endpoint, partial)
    else:  # an error event inside the stream, or what is no JSON
        said = "it is no JSON" if isinstance(error, json.JSONDecodeError) else _words(error, endpoint)
        failure = ModelResponseError(
            f"{whose}{label} at {origin(endpoint.base_url)} gave no usable answer{_kept(partial)}: {said}",
            hint="call again; %agents doctor looks at the model's address",
        )
    return _with_partial(failure, partial)


def unreachable(error: Exception, endpoint: Endpoint, label: str, timeout: float) -> NbAgentsError:
    """Return our error for one that came up on the way there and back."""
    if _caused_by(error, "TimeoutException", "TimeoutError") and not _caused_by(error, "ConnectTimeout"):
        return too_slow(endpoint, label, timeout)
    if _caused_by(error, "TransportError"):
        return _connection(error, endpoint, label)
    said = redact(str(error), *endpoint.headers.values())[:_MOST]
    return UsageError(f"{_whose()}{label}: the request cannot be sent: {said}")


def too_slow(endpoint: Endpoint, label: str, timeout: float, partial: str = "") -> ModelError:
    """Return the error for an endpoint that said nothing for too long."""
    where = f"{_whose()}{label} at {origin(endpoint.base_url)}"
    return ModelUnavailableError(
        f"{where} said nothing for {timeout:g} s{_kept(partial)}.",
        hint="a larger timeout in the model configuration, or %agents doctor",
    )


def ended_early(endpoint: Endpoint, label: str, partial: str) -> ModelError:
    """Return the error for an answer that stopped without having been finished."""
    return _with_partial(_cut(label, endpoint, partial), partial)


def said_nothing(endpoint: Endpoint, label: str, finish_reason: str | None) -> ModelError:
    """Return the error for an answer that is whole and holds neither text nor a call of a tool."""
    where = f"{_whose()}{label} at {origin(endpoint.base_url)}"
    if finish_reason == "length":
        return ModelResponseError(
            f"{where} used up all the tokens it may write before it had said anything.",
            hint="a larger max_tokens (max_completion_tokens) in generate_args",
        )
    if finish_reason == "content_filter":
        return ModelResponseError(
            f"{where} held its answer back: its filter stopped it.", hint="ask in other words"
        )
    return ModelResponseError(f"{where} gave an empty answer.", hint="call again, or take another model")


def unusable(endpoint: Endpoint, label: str, said: str) -> ModelError:
    """Return the error for an answer that is not what was asked for."""
    where = f"{_whose()}{label} at {origin(endpoint.base_url)}"
    return ModelResponseError(f"{where} gave no usable answer: {said}.", hint="%agents doctor")


def _with_partial(failure: ModelError, partial: str) -> ModelError:
    failure.partial = partial  # type: ignore[attr-defined]
    return failure


def _whose() -> str:
    call = context.frame.get()
    return f"{call.agent_name}: " if call is not None else ""


def _cut(label: str, endpoint: Endpoint, partial: str) -> ModelError:
    return ModelResponseError(
        f"{_whose()}the answer of {label} at {origin(endpoint.base_url)} broke off{_kept(partial)}.",
        hint="call again; the text that came is in the error's `partial`",
    )


def _kept(partial: str) -> str:
    return f" after {len(partial)} characters" if partial else ""


def _status(error: Any, endpoint: Endpoint, label: str) -> ModelError:
    wait = error.response.headers.get("retry-after")
    code = getattr(error, "code", None)
    said = _words(error, endpoint)
    return refusal(int(error.status_code), said, endpoint, label, code=code, retry_after=wait)


def refusal(
    status: int, said: str, endpoint: Endpoint, label: str, *, code: Any = None, retry_after: Any = None
) -> ModelError:
    """Return the error for an HTTP status; ``said`` is what the endpoint said of it, without keys."""
    whose, host, key, variable = _whose(), endpoint.host, endpoint.api_key, endpoint.key_variable
    own_header = any(name.lower() in _KEY_HEADERS for name in endpoint.headers)
    if status == 401 and key is None and own_header:
        return ModelAuthError(
            f"{whose}401 from {host} – the key in the headers of {label} was rejected.",
            hint="put the right key into the headers of the model configuration",
        )
    if status == 401 and key is None:
        only = f"{_OWNERS.get(variable, 'its provider')} and to {variable.removesuffix('API_KEY')}BASE_URL"
        return ModelAuthError(
            f"{whose}401 from {host} – it wants a key, and none was sent: {variable} goes only to {only}.",
            hint="give the model configuration an api_key, then %agents doctor",
        )
    if status == 401:
        return ModelAuthError(
            f"{whose}401 from {host} – key {key.hint() if key else ''} was rejected.",
            hint=f"Set {variable}, then %agents doctor.",
        )
    if status == 403:
        return ModelAuthError(
            f"{whose}403 from {host} – this key may not use {label}: {said}", hint="%agents doctor"
        )
    if status == 429 and code == "insufficient_quota":
        return ModelRateLimitError(
            f"{whose}429 from {host} – the account of key {key.hint() if key else '…'} has no credit left.",
            hint=f"add credit there, or {_use_demo()}",
        )
    if status == 429:
        again = f"; it asks to wait {retry_after} s" if retry_after else ""
        return ModelRateLimitError(
            f"{whose}429 from {host} – too many requests for {label}, also after retries{again}.",
            hint=f"wait, call fewer agents at once, or {_use_demo()}",
        )
    if status == 404:
        return _not_there(said, endpoint, label, code)
    if status >= 500 or status in (408, 409):
        return ModelUnavailableError(
            f"{whose}{status} from {host} – {label} failed there, also after retries: {said}",
            hint=_use_demo(),
        )
    hint = next((line for word, line in _HINTS.items() if word in said.lower()), "%agents doctor")
    return ModelResponseError(f"{whose}{status} from {host} – {label} refused the request: {said}", hint=hint)


def _not_there(said: str, endpoint: Endpoint, label: str, code: Any) -> ModelError:
    where = f"{_whose()}404 from {endpoint.host}"
    if label.startswith("ollama/"):
        pull = f"`ollama pull {label.removeprefix('ollama/')}`"
        return ModelResponseError(f"{where} – there is no {label}: {said}", hint=pull)
    if code is not None or "model" in said.lower():
        return ModelResponseError(
            f"{where} – there is no {label}: {said}", hint="another model_name; %agents doctor"
        )
    return ModelResponseError(
        f"{where} – there is no {label} at that address, or the address is wrong: {said}",
        hint="check base_url, which mostly ends in /v1, or api_url, and model_name",
    )


def _connection(error: Exception, endpoint: Endpoint, label: str) -> ModelError:
    where = f"{_whose()}{label} at {origin(endpoint.base_url)}"
    proxy = None if is_loopback(endpoint.base_url) else _proxy(endpoint.base_url)
    if proxy is not None:
        return ModelUnavailableError(
            f"{where} cannot be reached through the proxy {proxy}.",
            hint="unset HTTPS_PROXY HTTP_PROXY ALL_PROXY",
        )
    start = "start it with `ollama serve`, or " if label.startswith("ollama/") else ""
    if _caused_by(error, "ConnectionRefusedError"):
        return ModelUnavailableError(f"{where} refused the connection.", hint=start + _use_demo())
    if _caused_by(error, "gaierror"):
        return ModelUnavailableError(f"{where}: no such host, or no network.", hint=_use_demo())
    if _caused_by(error, "SSLError", "SSLCertVerificationError"):
        return ModelUnavailableError(f"{where}: its certificate is not trusted here.", hint="%agents doctor")
    if _caused_by(error, "RemoteProtocolError", "ReadError"):
        return ModelUnavailableError(
            f"{where} closed the connection without an answer.", hint=start + _use_demo()
        )
    return ModelUnavailableError(f"{where} cannot be reached.", hint=start + _use_demo())


def _use_demo() -> str:
    call = context.frame.get()
    return f"%%agent {call.agent_name if call is not None else 'NAME'} -m demo"


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for this address, as far as it may be shown."""
    import urllib.request  # here, since it takes 15 ms and is seldom needed

    parts, proxies = urlsplit(url), urllib.request.getproxies()
    address = proxies.get(parts.scheme) or proxies.get("all")
    if not address or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    try:
        return origin(address if "://" in address else f"http://{address}")
    except ValueError:
        return "of the environment"


def _words(error: Exception, endpoint: Endpoint) -> str:
    """Return what the endpoint said of its own, without keys and not too long."""
    body = getattr(error, "body", None)
    said = body.get("message") if isinstance(body, dict) else body
    text = " ".join(redact(str(said or error), endpoint.api_key).split())
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def _caused_by(error: BaseException | None, *names: str) -> bool:
    """Is an error of such a class among the causes? Looks into groups, and for base classes."""
    while error is not None:
        if any(kind.__name__ in names for kind in type(error).__mro__):
            return True
        if isinstance(error, BaseExceptionGroup) and any(
            _caused_by(inner, *names) for inner in error.exceptions
        ):
            return True
        error = error.__cause__ or error.__context__
    return False
