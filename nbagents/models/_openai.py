"""`OpenAIChatWrapper`: any endpoint that speaks OpenAI's chat protocol, the offline demo too."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import budget, events
from .._loop import background
from ..config import MODEL_RETRIES, MODEL_TIMEOUT, Secret, wrap_secrets
from ..exceptions import ModelChoiceError, UsageError
from ..message import Msg
from ._base import ModelWrapperBase
from ._client import make_client, no_key, openai_module
from ._completion import Completion
from ._demo import demo_endpoint
from ._endpoint import Endpoint, resolve
from ._failure import ended_early, explain
from ._format import chat_messages
from ._names import AUTO_MODEL
from ._price import price_in
from ._request import Request
from ._response import ModelResponse
from ._usage import ModelUsage

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    import openai

__all__ = ["OpenAIChatWrapper"]


class OpenAIChatWrapper(ModelWrapperBase):
    """A chat model behind an endpoint that speaks OpenAI's protocol.

    ``model(messages)`` sends a request and returns at once with a `ModelResponse`. The text comes
    in pieces unless ``stream`` is false. ``generate_args``, here or in a call, go into the request
    (``temperature``, ``seed``, ...); None leaves one out. ``timeout`` is how many seconds the endpoint
    may stay silent; a request that fails is sent again ``max_retries`` times, as its ``Retry-After``
    says. ``price`` is two numbers: dollars for a million tokens read, and written.

    Without ``base_url`` the address is OPENAI_BASE_URL, else OpenAI's. Without ``api_key`` it is
    OPENAI_API_KEY, but at these two addresses only; no other gets that key. An address on this
    machine is never reached through a proxy. ``endpoint="demo"`` is the offline demo model.

    Raises:
        ModelChoiceError: OpenAI's own address without a key, or an address that is none.
    """

    model_type = "openai_chat"

    def __init__(
        self,
        config_name: str,
        model_name: str | None = None,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        organization: str | None = None,
        client_args: dict[str, Any] | None = None,
        generate_args: dict[str, Any] | None = None,
        stream: bool = True,
        max_retries: int = MODEL_RETRIES,
        timeout: float = MODEL_TIMEOUT,
        *,
        project: str | None = None,
        endpoint: str | None = None,
        label: str | None = None,
        price: Sequence[float] | float | None = None,
    ) -> None:
        # the raw key stays in no variable: a traceback may show them all
        api_key, client_args = Secret(api_key) if api_key else None, wrap_secrets(client_args)
        if model_name is None:
            warnings.warn(
                f"the model configuration {config_name!r} names no model_name; taken for {config_name!r}",
                UserWarning,
                stacklevel=2,
            )
        super().__init__(config_name, model_name, label=label)
        client_args = client_args or {}
        if not isinstance(client_args, dict):
            raise UsageError(f"the model configuration {config_name!r}: client_args must be a dictionary")
        if endpoint not in (None, "demo"):
            raise UsageError(
                f"the model configuration {config_name!r}: endpoint can only be 'demo', not {endpoint!r}"
            )
        if price is not None:
            budget.Price.of(price, repr(config_name))
        given = {
            "config_name": config_name,
            "model_type": self.model_type,
            "model_name": self.model_name,
            "label": self.label,
            "endpoint": endpoint,
            "api_key": api_key,
            "base_url": base_url,
            "organization": organization,
            "project": project,
            "client_args": client_args,
        }
        timeout, max_retries = (
            client_args.pop("timeout", timeout),
            client_args.pop("max_retries", max_retries),
        )
        self._config = resolve(given, os.environ) | {
            "generate_args": generate_args or {},
            "stream": stream,
            **({} if price is None else {"price": price}),
            "max_retries": max_retries,
            "timeout": timeout,
        }
        self.stream, self.generate_args = stream, dict(generate_args or {})
        self.max_retries, self.timeout = max_retries, timeout
        self._client: tuple[AbstractEventLoop, Endpoint, openai.AsyncOpenAI] | None = None
        self._endpoint = None if endpoint == "demo" else Endpoint.of(self._config)
        if self._endpoint is not None and self._endpoint.is_openai and self._endpoint.api_key is None:
            raise ModelChoiceError(
                f"{self.label} at {self._endpoint.host} needs a key, and OPENAI_API_KEY is not set.",
                hint="set OPENAI_API_KEY, then %agents doctor",
            )

    @property
    def config(self) -> dict[str, Any]:
        """The whole configuration, with nothing left to the environment; the key in it is a `Secret`."""
        return dict(self._config)

    def format(self, *msgs: Msg | Iterable[Any] | None, speaker: str | None = None) -> list[dict[str, Any]]:
        """Return these messages as the endpoint takes them; see `ModelWrapperBase.format`."""
        shown = self._endpoint is None or self._endpoint.is_openai
        return chat_messages(msgs, speaker=speaker, names_are_shown=shown)

    def __call__(self, messages: Any, **generate_args: Any) -> ModelResponse:
        """Ask the model; return at once. Safe from any thread.

        A `Msg`, or a list of them, goes through `format` first. The events ``model``, ``delta`` and
        ``usage`` tell of it, in the caller's call.

        Raises:
            UsageError: ``messages`` is no list of dictionaries with role and content.
        """
        messages = self.format(messages) if _is_said(messages) else messages
        _check(messages)
        usual: dict[str, Any] = {"stream": self.stream, "stream_options": {"include_usage": True}}
        asked = usual | self.generate_args | generate_args | {"messages": [dict(entry) for entry in messages]}

        async def work(request: Request) -> None:
            await self._ask(request, asked)

        return ModelResponse.begin(self.label, work, price=self.price)

    @property
    def price(self) -> budget.Price | None:
        """What it costs, as far as it knows itself: nothing on this machine, else what ``price`` says."""
        return price_in(self._config | {"model_name": self.model_name})

    # ---- on the background loop

    async def _ask(self, request: Request, asked: dict[str, Any]) -> None:
        """Ask, tell what it cost, and say in our own words what went wrong."""
        events.emit("model", model=self.label)
        answer, failure = Completion(), None
        sdk = await openai_module()
        endpoint, client = await self._connect()
        try:
            await self._exchange(request, asked, answer, client, endpoint)
        except Exception as error:  # noqa: BLE001  # whatever it is, its frames hold the key
            failure = explain(
                error, sdk, endpoint=endpoint, label=self.label, timeout=self.timeout, partial=answer.text
            )
        finally:
            usage = self._account(asked["messages"], answer)
        if failure is not None:
            raise failure  # outside of the except clause, so that nothing leads back to those frames
        if not answer.whole:
            raise ended_early(endpoint, self.label, answer.text)
        request.finish(text=answer.text, raw=answer.raw(), usage=usage)

    async def _exchange(
        self,
        request: Request,
        asked: dict[str, Any],
        answer: Completion,
        client: openai.AsyncOpenAI,
        endpoint: Endpoint,
    ) -> None:
        """Send one request and take in what comes."""
        own_way_in = any(name.lower() == "authorization" for name in endpoint.headers)
        headers = {} if endpoint.api_key or own_way_in else no_key()
        for name, value in (asked.get("extra_headers") or {}).items():
            headers[name] = value.reveal() if isinstance(value, Secret) else value
        if self.model_name == AUTO_MODEL:
            self.model_name = await _first_model(client, headers)
            self.label = request.label = self.model_name
        sent = {key: value for key, value in asked.items() if value is not None}
        sent |= {"model": self.model_name, "extra_headers": headers}
        if not sent.pop("stream", False):
            sent.pop("stream_options", None)
            request.say(answer.add(_plain(await client.chat.completions.create(**sent))))
            return
        async with await client.chat.completions.create(**sent, stream=True) as chunks:
            async for chunk in chunks:
                request.say(answer.add(_plain(chunk)))

    async def _connect(self) -> tuple[Endpoint, openai.AsyncOpenAI]:
        """Return the endpoint and a client for it, made anew where either has changed."""
        endpoint = self._endpoint
        if endpoint is None:
            base_url, key = await demo_endpoint()
            endpoint = Endpoint(base_url, Secret(key))
        loop = background().loop
        if self._client is None or self._client[:2] != (loop, endpoint):
            more = {
                key: value
                for key, value in self._config.get("client_args", {}).items()
                if key != "default_headers"
            }
            client = make_client(endpoint, timeout=self.timeout, max_retries=self.max_retries, more=more)
            self._client = (loop, endpoint, client)
        return endpoint, self._client[2]

    def _account(self, messages: list[Any], answer: Completion) -> ModelUsage | None:
        """Tell what it cost, also when it was stopped half-way; nothing if nothing came."""
        if answer.usage is not None:
            usage = ModelUsage.reported(answer.usage)
        elif answer.text or answer.whole:
            prompt = sum(len(str(entry.get("content") or "")) for entry in messages)
            usage = ModelUsage.estimate(prompt, len(answer.text))
        else:
            return None
        events.emit(
            "usage",
            model=self.label,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            total_tokens=usage.total_tokens,
            estimated=usage.estimated,
            cost=budget.after_call(self.label, usage.prompt_tokens, usage.completion_tokens, self.price),
        )
        return usage


async def _first_model(client: openai.AsyncOpenAI, extra: dict[str, Any]) -> str:
    async for model in client.models.list(extra_headers=extra):
        return str(model.id)
    raise ValueError("it lists no model; name one in OPENAI_MODEL")


def _plain(answer: Any) -> Any:
    """Return the client's object as plain data, without judging it."""
    return answer.to_dict(warnings=False) if hasattr(answer, "to_dict") else answer


def _is_said(messages: Any) -> bool:
    said = [messages] if isinstance(messages, Msg) else messages
    return isinstance(said, list) and bool(said) and all(isinstance(message, Msg) for message in said)


def _check(messages: Any) -> None:
    if not isinstance(messages, list | tuple) or not messages:
        raise UsageError(
            f"a chat model takes a list of messages, not {type(messages).__name__}; see model.format(...)"
        )
    for entry in messages:
        if (
            not isinstance(entry, Mapping)
            or "role" not in entry
            or not entry.keys() & {"content", "tool_calls"}
        ):
            raise UsageError(
                "each message of a chat needs `role` and `content`; model.format(...) makes them of Msg"
            )
