"""`OpenAIChatModel` and `DashScopeChatModel`: chat models as AgentScope 1.x makes them, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..config import Secret, wrap_secrets
from ..exceptions import UsageError
from ._openai import OpenAIChatWrapper
from ._streamed import StreamedResponse

__all__ = ["DashScopeChatModel", "OpenAIChatModel"]


class OpenAIChatModel(OpenAIChatWrapper):
    """A chat model behind OpenAI's protocol, made in one line: ``OpenAIChatModel("gpt-4o-mini")``.

    Where it is and which key it gets is that of `OpenAIChatWrapper`, which it is; ``client_kwargs`` and
    ``generate_kwargs`` are other names of ``client_args`` and ``generate_args``. What its call returns can
    be read, awaited, or watched by ``async for``, whatever ``stream`` says. With ``stream`` an ``await``
    gives the response when it begins, for ``async for chunk in await model(messages)``;
    `ModelResponse.whole` waits for the end.

    Raises:
        ModelChoiceError: OpenAI's own address without a key, or an address that is none.
        UsageError: the same thing is said twice.
    """

    _streamed = StreamedResponse

    def __init__(
        self,
        model_name: str,
        api_key: str | Secret | None = None,
        stream: bool = True,
        reasoning_effort: str | None = None,
        organization: str | None = None,
        client_args: dict[str, Any] | None = None,
        generate_kwargs: dict[str, Any] | None = None,
        *,
        client_kwargs: dict[str, Any] | None = None,
        generate_args: dict[str, Any] | None = None,
        base_url: str | None = None,
        endpoint: str | None = None,
        provider: str | None = None,
        label: str | None = None,
        price: Sequence[float] | float | None = None,
    ) -> None:
        # the raw key stays in no variable: a traceback may show them all
        api_key = Secret(api_key) if api_key else None
        client_args, client_kwargs = wrap_secrets(client_args), wrap_secrets(client_kwargs)
        sent = _one("generate_kwargs", generate_kwargs, "generate_args", generate_args)
        if reasoning_effort is not None:
            sent = {**sent, "reasoning_effort": reasoning_effort}
        super().__init__(
            model_name,
            model_name,
            api_key,
            base_url,
            organization,
            _one("client_args", client_args, "client_kwargs", client_kwargs),
            sent,
            stream,
            endpoint=endpoint,
            provider=provider,
            label=label,
            price=price,
        )


class DashScopeChatModel(OpenAIChatModel):
    """A chat model of DashScope (Qwen), made in one line: ``DashScopeChatModel("qwen-max")``.

    The key is ``api_key``, else DASHSCOPE_API_KEY. It is asked by OpenAI's protocol, at ``base_url``, else
    DASHSCOPE_BASE_URL, else DashScope's own address. ``enable_thinking`` says whether it thinks aloud first.

    Raises:
        ModelChoiceError: DashScope's own address without a key, or an address that is none.
    """

    def __init__(
        self,
        model_name: str,
        api_key: str | Secret | None = None,
        stream: bool = True,
        enable_thinking: bool | None = None,
        generate_kwargs: dict[str, Any] | None = None,
        base_url: str | None = None,
        *,
        base_http_api_url: str | None = None,
        client_args: dict[str, Any] | None = None,
        label: str | None = None,
        price: Sequence[float] | float | None = None,
    ) -> None:
        # the raw key stays in no variable: a traceback may show them all
        api_key, client_args = Secret(api_key) if api_key else None, wrap_secrets(client_args)
        if base_http_api_url is not None:
            raise UsageError(
                "DashScopeChatModel speaks OpenAI's protocol: give base_url, such as"
                " https://dashscope.aliyuncs.com/compatible-mode/v1, in place of base_http_api_url"
            )
        sent = dict(generate_kwargs or {})
        if enable_thinking is not None:
            sent["extra_body"] = {**(sent.get("extra_body") or {}), "enable_thinking": enable_thinking}
        super().__init__(
            model_name,
            api_key,
            stream,
            client_args=client_args,
            generate_kwargs=sent,
            base_url=base_url,
            provider="dashscope",
            label=label,
            price=price,
        )


def _one(name: str, given: Any, other_name: str, other: Any) -> dict[str, Any]:
    if given is not None and other is not None:
        raise UsageError(f"give {name} or {other_name}, not both; they mean the same")
    return dict(given or other or {})
