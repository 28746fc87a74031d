"""What agents of other frameworks stream, as messages that an app tells. Knows shapes, and imports none."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import Any

from ..message import Msg

__all__ = ["FRAMEWORKS", "converted"]

Said = Iterator[tuple[Msg, bool] | str]


async def converted(framework: str, values: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """Yield what agents of a framework said; what is ours already, or a text, as it is."""
    make = FRAMEWORKS[framework]
    reader = None if make is None else make()
    async with aclosing(values) as source:
        async for value in source:
            if reader is None or isinstance(value, (str, Msg)) or _is_ours(value):
                yield value
            else:
                for said in reader.take(value):
                    yield said
    if reader is not None:
        for said in reader.end():
            yield said


def _is_ours(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Msg)


class _Reader:
    """One stream: texts grow in the message of their key until that is whole."""

    def __init__(self) -> None:
        self._growing: dict[str, Msg] = {}
        self._known: set[str] = set()
        """Messages that were told whole."""

    def take(self, value: Any) -> Said:
        """Yield what one item of the stream says."""
        raise NotImplementedError

    def end(self) -> Said:
        """Yield what is whole now that nothing more comes."""
        for key in list(self._growing):
            yield from self._whole(key)

    def _grow(self, key: str, name: str, piece: str) -> Said:
        if piece:
            message = self._growing.setdefault(key, Msg(name, "", "assistant"))
            message.content += piece
            yield message, False

    def _whole(self, key: str, name: str = "", text: str | None = None) -> Said:
        message = self._growing.pop(key, None)
        if message is None:
            if not text:
                return
            message = Msg(name, text, "assistant")
        elif text:
            message.content = text
        yield message, True

    def _blocks(self, name: str, blocks: Iterable[dict[str, Any]], role: str = "assistant") -> Said:
        made = list(blocks)
        if made:
            yield Msg(name, made, role), True


class _AutoGen(_Reader):
    """What ``run_stream`` and ``on_messages_stream`` of autogen-agentchat yield."""

    def take(self, value: Any) -> Said:
        if hasattr(value, "chat_message"):  # a Response: its message may have come in the stream
            value = value.chat_message
        kind, source = str(getattr(value, "type", "")), str(getattr(value, "source", "agent"))
        own = str(getattr(value, "id", ""))
        if source == "user" or not kind or own in self._known:
            return  # the task, said again; or a TaskResult, which holds what has come already
        self._known.add(own)
        content: Any = getattr(value, "content", "")
        match kind:
            case "ModelClientStreamingChunkEvent":
                yield from self._grow(source, source, str(content))
            case "ThoughtEvent":
                yield from self._blocks(source, [{"type": "thinking", "thinking": str(content)}])
            case "ToolCallRequestEvent":
                yield from self._whole(source)
                yield from self._blocks(source, (_use(one.id, one.name, one.arguments) for one in content))
            case "ToolCallExecutionEvent":
                results = (_result(one.call_id, one.name, one.content) for one in content)
                yield from self._blocks(source, results, "system")
            case _ if kind.endswith("Message"):
                yield from self._whole(source, source, _text(value, content))


class _LangGraph(_Reader):
    """What ``astream`` of a graph yields, in the modes "messages", "updates" and "values"."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, dict[int, dict[str, str]]] = {}

    def take(self, value: Any) -> Said:
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
            value = value[1]  # several modes at once: which one, and what
        if isinstance(value, tuple) and len(value) == 2 and hasattr(value[0], "content"):
            yield from self._message(value[0])
        elif isinstance(value, Mapping):
            for part in (value, *value.values()):
                if isinstance(part, Mapping) and isinstance(part.get("messages"), list):
                    for message in part["messages"]:
                        yield from self._message(message)
        elif hasattr(value, "content"):
            yield from self._message(value)

    def end(self) -> Said:
        for key in [*self._growing, *(key for key in self._calls if key not in self._growing)]:
            yield from self._over(key)

    def _message(self, message: Any) -> Said:
        kind, key = str(getattr(message, "type", "")), str(getattr(message, "id", None) or "message")
        name = str(getattr(message, "name", None) or "agent")
        if kind == "AIMessageChunk":
            yield from self._grow(key, name, _words(message.content))
            for chunk in getattr(message, "tool_call_chunks", None) or ():
                call = self._calls.setdefault(key, {}).setdefault(
                    chunk.get("index") or 0, {"id": "", "name": "", "args": ""}
                )
                for field in call:
                    call[field] += chunk.get(field) or ""
            if getattr(message, "chunk_position", None) == "last":
                yield from self._over(key)
            return
        if key in self._known or kind not in ("ai", "tool"):
            return
        self._known.add(key)
        if kind == "tool":
            for asker, calls in list(self._calls.items()):  # whoever asked for it has said all
                if any(call["id"] == message.tool_call_id for call in calls.values()):
                    yield from self._over(asker)
            result = _result(message.tool_call_id, message.name, _words(message.content))
            yield from self._blocks(str(message.name or "tool"), [result], "system")
            return
        self._calls.pop(key, None)
        yield from self._whole(key, name, _words(message.content))
        asked = getattr(message, "tool_calls", None) or ()
        yield from self._blocks(name, (_use(one["id"], one["name"], one["args"]) for one in asked))

    def _over(self, key: str) -> Said:
        """A message of which only pieces came is whole."""
        name = self._growing[key].name if key in self._growing else "agent"
        self._known.add(key)
        yield from self._whole(key)
        calls = self._calls.pop(key, {}).values()
        yield from self._blocks(name, (_use(one["id"], one["name"], one["args"]) for one in calls))


class _Agno(_Reader):
    """What ``arun(..., stream=True)`` of an agno agent or team yields, or its one answer without a stream."""

    def take(self, value: Any) -> Said:
        kind = str(getattr(value, "event", "") or "").removeprefix("Team")
        name = str(getattr(value, "agent_name", "") or getattr(value, "team_name", "") or "agent")
        key = str(getattr(value, "run_id", "") or name)
        content, tool = getattr(value, "content", None), getattr(value, "tool", None)
        if not kind:
            yield from self._whole(key, name, "" if content is None else str(content))
            return
        match kind:
            case "RunContent":
                self._known.add(key)
                yield from self._grow(key, name, "" if content is None else str(content))
            case "ToolCallStarted" if tool is not None:
                yield from self._whole(key)
                yield from self._blocks(name, [_use(tool.tool_call_id, tool.tool_name, tool.tool_args)])
            case "ToolCallCompleted" if tool is not None:
                result = _result(tool.tool_call_id, tool.tool_name, tool.result)
                yield from self._blocks(name, [result], "system")
            case "RunError":
                raise RuntimeError(str(content))
            case "RunCompleted":
                told = key in self._known or content is None
                yield from self._whole(key, name, None if told else str(content))


def _use(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError:
            arguments = {"arguments": arguments}
    return {"type": "tool_use", "id": str(call_id or ""), "name": str(name or ""), "input": arguments or {}}


def _result(call_id: Any, name: Any, output: Any) -> dict[str, Any]:
    text = output if isinstance(output, str) else str(output)
    return {"type": "tool_result", "id": str(call_id or ""), "name": str(name or ""), "output": text}


def _words(content: Any) -> str:
    """Return the text of a content that may be a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(
        part if isinstance(part, str) else str(part.get("text") or "") if isinstance(part, dict) else ""
        for part in parts
    )


def _text(message: Any, content: Any) -> str:
    if isinstance(content, (str, list)):
        return _words(content)
    to_text: Callable[[], str] | None = getattr(message, "to_text", None)
    return str(content) if to_text is None else str(to_text())


FRAMEWORKS: dict[str, type[_Reader] | None] = {
    "agentscope": None,
    "text": None,
    "autogen": _AutoGen,
    "agno": _Agno,
    "langgraph": _LangGraph,
}
"""Whose messages are known, by name."""
