"""`OpenAIChatWrapper`: any endpoint that speaks OpenAI's chat protocol, the offline demo too."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..config import MODEL_RETRIES, MODEL_TIMEOUT, Secret, wrap_secrets
from ..exceptions import UsageError
from ..message import Msg
from ._again import Reading, in_a_thread, tapes
from ._answer import Answer
from ._completion import Completion
from ._failure import ended_early, said_nothing
from ._format import chat_messages
from ._media import sees
from ._request import Request
from ._response import ModelResponse
from ._service import OpenAIWrapperBase
from ._shape import Shape
from ._sse import events_in
from ._taped import taped
from ._tools import checked_calls, wire_choice, wire_tools
from ._usage import ModelUsage

if TYPE_CHECKING:
    import openai

__all__ = ["OpenAIChatWrapper"]


class OpenAIChatWrapper(OpenAIWrapperBase):
    """A chat model behind an endpoint that speaks OpenAI's protocol.

    ``model(messages)`` sends a request and returns at once with a `ModelResponse`. The text comes
    in pieces unless ``stream`` is false. Where ``calls_tools`` is false, agents tell it of their tools in
    words, for models that have no other way. What else it takes is that of `OpenAIWrapperBase`.

    Raises:
        ModelChoiceError: OpenAI's own address without a key, or an address that is none.
    """

    model_type = "openai_chat"
    _streamed = ModelResponse
    """What it returns when it streams."""

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
        provider: str | None = None,
        label: str | None = None,
        price: Sequence[float] | float | None = None,
        calls_tools: bool = True,
    ) -> None:
        # the raw key stays in no variable: a traceback may show them all
        api_key, client_args = Secret(api_key) if api_key else None, wrap_secrets(client_args)
        super().__init__(
            config_name,
            model_name,
            api_key,
            base_url,
            organization,
            client_args,
            generate_args,
            max_retries,
            timeout,
            project=project,
            endpoint=endpoint,
            provider=provider,
            label=label,
            price=price,
        )
        self.stream = self._config["stream"] = stream
        if not calls_tools:
            self.calls_tools = self._config["calls_tools"] = False

    def format(self, *msgs: Msg | Iterable[Any] | None, speaker: str | None = None) -> list[dict[str, Any]]:
        """Return these messages as the endpoint takes them; see `ModelWrapperBase.format`.

        Pictures that stand in ``msg.url`` go to models that see, by their name; content blocks to all.
        """
        shown = self._endpoint is None or self._endpoint.is_openai
        return chat_messages(msgs, speaker=speaker, names_are_shown=shown, sees_urls=sees(self.model_name))

    @tapes
    def __call__(
        self,
        messages: Msg | Sequence[Msg | Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: str | Mapping[str, Any] | None = None,
        structured_model: Any = None,
        *,
        parse_func: Any = None,
        fault_handler: Any = None,
        max_retries: int | None = None,
        **generate_args: Any,
    ) -> ModelResponse:
        """Ask the model; return at once. Safe from any thread.

        ``tools`` are functions in OpenAI's form, ``tool_choice`` is "auto", "none", "required" or the name
        of one. ``structured_model``, a pydantic class or a JSON schema, is the shape that the answer is to
        have; ``response.parsed`` holds it. ``parse_func`` reads an answer: it takes the response, and what
        it returns is ``parsed``, or the response itself. Where an answer cannot be read, arguments of tools
        included, the model is asked again, ``max_retries`` times in all; then ``fault_handler`` takes the
        last response, and what it returns is used. Messages of agents are formatted first.

        The events ``model``, ``delta`` and ``usage`` tell of it, in the caller's call.

        Raises:
            UsageError: ``messages`` is no list of dictionaries with role and content, or another
                argument is wrong.
        """
        entries, reading = self._entries(messages), Reading.of(parse_func, fault_handler, max_retries)
        usual: dict[str, Any] = {"stream": self.stream, "stream_options": {"include_usage": True}}
        asked = usual | self.generate_args | generate_args
        shape = None if structured_model is None else Shape(structured_model)
        if shape is not None and tools:
            warnings.warn(
                "a model cannot be given tools and a structured_model at once; the tools are left out",
                UserWarning,
                stacklevel=2,
            )
        by_tool = shape is not None and self.provider.by_tool
        if shape is not None and by_tool:
            tools, tool_choice = [shape.tool], shape.name
        elif shape is not None:
            tools, tool_choice, asked["response_format"] = None, None, shape.response_format
        if tools:
            asked["tools"] = wire_tools(tools)
            asked["tool_choice"] = wire_choice(tool_choice, tools)

        async def once(request: Request, complaint: str) -> Answer:
            again = (
                [{"role": "user", "content": f"{complaint}. Answer again."}] if complaint and shape else []
            )
            told = [*entries, *again]
            sent = asked | {"messages": told}
            return await taped(request, self._operation, told, lambda: self._answer(request, sent))

        async def check(answer: Answer) -> Answer:
            checked_calls(answer)
            if shape is None:
                return answer
            shaped: Answer = await in_a_thread(lambda given: _shaped(given, shape, by_tool), answer)
            return shaped

        async def work(request: Request) -> None:
            await reading.ask(request, lambda told: once(request, told), check, price=self.price)

        response_type = self._streamed if asked.get("stream") else ModelResponse
        return response_type.begin(self.label, work, price=self.price)

    def _entries(self, messages: Any) -> list[dict[str, Any]]:
        if isinstance(messages, Msg):
            return self.format(messages)
        if isinstance(messages, list | tuple) and any(isinstance(entry, Msg) for entry in messages):
            return self.format(messages)
        _check(messages)
        return [dict(entry) for entry in messages]

    # ---- on the background loop

    async def _answer(self, request: Request, asked: dict[str, Any]) -> Answer:
        """Ask once; tell what it cost, also when it was stopped half-way."""
        answer = Completion()

        async def send(client: openai.AsyncOpenAI, headers: dict[str, Any]) -> None:
            sent = await self._sent(request, asked, client, headers)
            if not sent.pop("stream", False):
                sent.pop("stream_options", None)
                whole = await client.chat.completions.with_raw_response.create(**sent)
                _say(request, answer, json.loads(whole.content))
                return
            async with await client.chat.completions.create(**sent, stream=True) as chunks:
                came = chunks.response
                if "json" in came.headers.get("content-type", ""):  # it knows no streams
                    _say(request, answer, json.loads(await came.aread()))
                    return
                async for chunk in events_in(came.aiter_bytes()):
                    _say(request, answer, chunk)

        try:
            await self._ask(send, lambda: answer.text)
        finally:
            usage = self._counted(asked["messages"], answer)
        assert self._client is not None
        endpoint = self._client[1]
        if not answer.whole:
            raise ended_early(endpoint, self.label, answer.text)
        blocks = answer.blocks()
        if not any(block["type"] in ("text", "tool_use") for block in blocks):
            raise said_nothing(endpoint, self.label, answer.finish_reason)
        return Answer(text=answer.text, content=blocks, raw=answer.raw(), usage=usage)

    def _counted(self, messages: list[Any], answer: Completion) -> ModelUsage | None:
        """Tell what it took; nothing if nothing came."""
        if answer.usage is not None:
            return self._account(ModelUsage.reported(answer.usage))
        if not answer.text and not answer.whole:
            return None
        prompt = sum(len(str(entry.get("content") or "")) for entry in messages)
        return self._account(ModelUsage.estimate(prompt, len(answer.text)))


def _say(request: Request, answer: Completion, chunk: Any) -> None:
    request.say(answer.add(chunk), answer.blocks)


def _shaped(answer: Answer, shape: Shape, by_tool: bool) -> Answer:
    """Return the answer with what it says in the shape that was asked for."""
    calls = [block for block in answer.blocks if block["type"] == "tool_use"]
    if not by_tool or not calls:  # a model may answer in words though a tool was asked for
        return replace(answer, parsed=shape.read(answer.text or ""))
    parsed = shape.read(calls[0]["input"])
    text = json.dumps(parsed, ensure_ascii=False)
    return replace(answer, text=text, content=[{"type": "text", "text": text}], parsed=parsed)


def _check(messages: Any) -> None:
    if not isinstance(messages, list | tuple) or not messages:
        given = "an empty list" if isinstance(messages, list | tuple) else f"a {type(messages).__name__}"
        raise UsageError(
            f"a chat model takes a list of messages, and was given {given}; see model.format(...)"
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
