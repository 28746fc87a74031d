"""Say in a line why a model's endpoint did not answer as asked, and what to do.

Turns what the openai package raises into our `ModelError` family. The errors made here carry no
key: not in their text, and not through a chain to the client's own frames.
"""

from __future__ import annotations

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

__all__ = ["ended_early", "explain", "said_nothing"]

_MOST = 300  # characters of an endpoint's own words that are passed on


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
        said = (
            f"said nothing for {timeout:g} s"
            if not _caused_by(error, "ConnectTimeout")
            else "cannot be reached"
        )
        failure = ModelUnavailableError(
            f"{whose}{label} at {origin(endpoint.base_url)} {said}{_kept(partial)}."
        )
        failure.hint = "%agents doctor"
    elif isinstance(error, openai.APIConnectionError):
        failure = _cut(label, endpoint, partial) if partial else _connection(error, endpoint, label)
    elif isinstance(error, TypeError):
        said = redact(str(error), endpoint.api_key)[:_MOST]
        return UsageError(f"{whose}{label}: the request cannot be sent: {said}")
    else:  # an error event inside the stream, or what is no JSON
        said = _words(error, endpoint)
        failure = ModelResponseError(
            f"{whose}{label} at {origin(endpoint.base_url)} gave no usable answer{_kept(partial)}: {said}"
        )
    return _with_partial(failure, partial)


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
        return ModelResponseError(f"{where} held its answer back: its filter stopped it.")
    return ModelResponseError(f"{where} gave an empty answer.", hint="call again, or take another model")


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
    status, whose, host = int(error.status_code), _whose(), endpoint.host
    said = _words(error, endpoint)
    key = endpoint.api_key
    if status == 401 and key is None:
        return ModelAuthError(
            f"{whose}401 from {host} – it wants a key, and none was sent: OPENAI_API_KEY goes only to OpenAI"
            " and to OPENAI_BASE_URL.",
            hint="give the model configuration an api_key, then %agents doctor",
        )
    if status == 401:
        return ModelAuthError(
            f"{whose}401 from {host} – key {key.hint() if key else ''} was rejected.",
            hint="Set OPENAI_API_KEY, then %agents doctor.",
        )
    if status == 403:
        return ModelAuthError(
            f"{whose}403 from {host} – this key may not use {label}: {said}", hint="%agents doctor"
        )
    if status == 429 and getattr(error, "code", None) == "insufficient_quota":
        return ModelRateLimitError(
            f"{whose}429 from {host} – the account of key {key.hint() if key else '…'} has no credit left.",
            hint=f"add credit there, or {_use_demo()}",
        )
    if status == 429:
        wait = error.response.headers.get("retry-after")
        again = f"; it asks to wait {wait} s" if wait else ""
        return ModelRateLimitError(
            f"{whose}429 from {host} – too many requests for {label}, also after retries{again}.",
            hint=f"wait, call fewer agents at once, or {_use_demo()}",
        )
    if status == 404:
        pull = (
            f"`ollama pull {label.removeprefix('ollama/')}`"
            if label.startswith("ollama/")
            else "%agents doctor"
        )
        return ModelResponseError(f"{whose}404 from {host} – there is no {label}: {said}", hint=pull)
    if status >= 500 or status in (408, 409):
        return ModelUnavailableError(
            f"{whose}{status} from {host} – {label} failed there, also after retries: {said}",
            hint=_use_demo(),
        )
    return ModelResponseError(f"{whose}{status} from {host} – {label} refused the request: {said}")


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
