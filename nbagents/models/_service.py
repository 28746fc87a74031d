"""`OpenAIWrapperBase`: what all models behind OpenAI's protocol share: where they are, and how one fails."""

from __future__ import annotations

import os
import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import budget, context, events
from .._loop import background
from .._surrogates import well_formed
from ..config import MODEL_RETRIES, MODEL_TIMEOUT, Secret, wrap_secrets
from ..exceptions import ModelChoiceError, UsageError
from ._address import same_origin
from ._base import ModelWrapperBase
from ._client import make_client, no_key, openai_module
from ._demo import demo_endpoint
from ._endpoint import Endpoint, resolve
from ._failure import explain
from ._names import AUTO_MODEL
from ._price import price_in
from ._providers import provider_of
from ._usage import ModelUsage

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    import openai

    from ._request import Request

__all__ = ["OpenAIWrapperBase"]


class OpenAIWrapperBase(ModelWrapperBase):
    """A model behind an endpoint that speaks OpenAI's protocol.

    Without ``base_url`` the address is that of the ``provider`` (see `PROVIDERS`), without one
    OPENAI_BASE_URL, else OpenAI's. Without ``api_key`` it is the provider's variable, OPENAI_API_KEY for
    OpenAI, but at these addresses only; no other gets that key. ``organization`` is else
    OPENAI_ORGANIZATION. An address on this machine is never reached through a proxy.
    ``endpoint="demo"`` is the offline demo model.

    ``generate_args``, here or in a call, go into the request; None leaves one out. ``timeout`` is how many
    seconds the endpoint may stay silent; a request that fails is sent again ``max_retries`` times, as its
    ``Retry-After`` says. ``price`` is two numbers: dollars for a million tokens read, and written.

    Raises:
        ModelChoiceError: an address that needs a key without one, or an address that is none.
    """

    _operation = "chat"
    """What it does, as OpenTelemetry calls that."""

    def __init__(
        self,
        config_name: str,
        model_name: str | None = None,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        organization: str | None = None,
        client_args: dict[str, Any] | None = None,
        generate_args: dict[str, Any] | None = None,
        max_retries: int = MODEL_RETRIES,
        timeout: float = MODEL_TIMEOUT,
        *,
        project: str | None = None,
        endpoint: str | None = None,
        provider: str | None = None,
        label: str | None = None,
        price: Sequence[float] | float | None = None,
    ) -> None:
        # the raw key stays in no variable: a traceback may show them all
        api_key, client_args = Secret(api_key) if api_key else None, wrap_secrets(client_args)
        if model_name is None:
            warnings.warn(
                f"the model configuration {config_name!r} names no model_name; taken for {config_name!r}",
                UserWarning,
                stacklevel=3,
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
            "provider": provider,
            "client_args": client_args,
        }
        timeout, max_retries = (
            client_args.pop("timeout", timeout),
            client_args.pop("max_retries", max_retries),
        )
        self._config = resolve(given, os.environ) | {
            "generate_args": generate_args or {},
            **({} if price is None else {"price": price}),
            "max_retries": max_retries,
            "timeout": timeout,
        }
        self.generate_args = dict(generate_args or {})
        self.max_retries, self.timeout = max_retries, timeout
        self._client: tuple[AbstractEventLoop, Endpoint, openai.AsyncOpenAI] | None = None
        self._endpoint = None if endpoint == "demo" else Endpoint.of(self._config)
        self.provider = provider_of(given)
        if self._endpoint is None or self._endpoint.api_key is not None:
            return
        if self._endpoint.is_openai or (self.provider.needs_key and self._is_at(self.provider.base_url)):
            variable = "OPENAI_API_KEY" if self._endpoint.is_openai else self.provider.key_variable
            raise ModelChoiceError(
                f"{self.label} at {self._endpoint.host} needs a key, and {variable} is not set.",
                hint=f"set {variable}, then %agents doctor",
            )

    def _is_at(self, url: str) -> bool:
        return self._endpoint is not None and same_origin(self._endpoint.base_url, url)

    @property
    def config(self) -> dict[str, Any]:
        """The whole configuration, with nothing left to the environment; the key in it is a `Secret`."""
        return dict(self._config)

    @property
    def price(self) -> budget.Price | None:
        """What it costs, as far as it knows itself: nothing on this machine, else what ``price`` says."""
        return price_in(self._config | {"model_name": self.model_name})

    # ---- on the background loop

    async def _ask(
        self,
        send: Callable[[openai.AsyncOpenAI, dict[str, Any]], Awaitable[None]],
        partial: Callable[[], str],
    ) -> None:
        """Let ``send`` ask once, with a client and headers; say in our own words what went wrong.

        ``partial`` returns the text that has come by then.
        """
        served_by = "nbagents.demo" if self._endpoint is None else self.provider.name
        events.emit("model", model=self.label, operation=self._operation, provider=served_by)
        failure = None
        sdk = await openai_module()
        endpoint, client = await self._connect()
        try:
            await send(client, self._headers(endpoint))
        except Exception as error:  # noqa: BLE001  # whatever it is, its frames hold the key
            failure = explain(
                error, sdk, endpoint=endpoint, label=self.label, timeout=self.timeout, partial=partial()
            )
        if failure is not None:
            raise failure  # outside of the except clause, so that nothing leads back to those frames

    async def _raw(
        self,
        request: Request,
        asked: dict[str, Any],
        method: Callable[[openai.AsyncOpenAI], Callable[..., Awaitable[Any]]],
    ) -> dict[str, Any]:
        """Ask once by a method of the client; return the whole answer as plain data."""
        raw: dict[str, Any] = {}

        async def send(client: openai.AsyncOpenAI, headers: dict[str, Any]) -> None:
            sent = await self._sent(request, asked, client, headers)
            raw.update(_plain(await method(client)(**sent)))

        await self._ask(send, str)
        return raw

    def _headers(self, endpoint: Endpoint) -> dict[str, Any]:
        own_way_in = any(name.lower() == "authorization" for name in endpoint.headers)
        return {} if endpoint.api_key or own_way_in else no_key()

    async def _sent(
        self, request: Request, asked: dict[str, Any], client: openai.AsyncOpenAI, headers: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what is sent: with the model's name, and headers that show no key."""
        if span := context.traceparent.get():
            headers["traceparent"] = span
        for name, value in (asked.get("extra_headers") or {}).items():
            headers[name] = value.reveal() if isinstance(value, Secret) else value
        if self.model_name == AUTO_MODEL:
            self.model_name = await _first_model(client, headers)
            self.label = request.label = self.model_name
        sent: dict[str, Any] = {key: well_formed(value) for key, value in asked.items() if value is not None}
        request.asked = {key: value for key, value in sent.items() if key != "extra_headers"}
        request.asked["model"] = self.model_name
        return sent | {"model": self.model_name, "extra_headers": headers}

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

    def _account(self, usage: ModelUsage, **more: Any) -> ModelUsage:
        """Tell what it cost."""
        events.emit(
            "usage",
            model=self.label,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            total_tokens=usage.total_tokens,
            estimated=usage.estimated,
            cost=budget.after_call(self.label, usage.prompt_tokens, usage.completion_tokens, self.price),
            **more,
        )
        return usage


async def _first_model(client: openai.AsyncOpenAI, extra: dict[str, Any]) -> str:
    async for model in client.models.list(extra_headers=extra):
        return str(model.id)
    raise ValueError("it lists no model; name one in OPENAI_MODEL")


def _plain(answer: Any) -> Any:
    """Return the client's object as plain data, without judging it."""
    return answer.to_dict(warnings=False) if hasattr(answer, "to_dict") else answer
