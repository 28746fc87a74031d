"""A conversation with tool calls in it, as a model is sent it; and the calls in what it answers.

Endpoints take each call together with its result or refuse all of it, so what is left of such a pair in
a memory that a person has changed is made whole here, or left out.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from .._ids import new_id
from ..message import Msg, is_muted
from ..models import ModelWrapperBase
from ..tools import text_of

__all__ = ["asked", "blocks_of", "made_whole", "result_block", "wire_messages"]

FORGOTTEN = "(the result is not remembered)"


async def asked(
    model: Any,
    messages: list[dict[str, Any]],
    told: Callable[[Any], Awaitable[object]] | None = None,
    **arguments: Any,
) -> Any:
    """Ask a model and return its whole answer, whether it is awaited or comes in pieces.

    ``told`` is awaited with the answer before it is there.
    """
    answer = model(messages, **arguments)
    if told is not None:
        await told(answer)
    if inspect.isawaitable(answer):
        answer = await answer
    if inspect.isasyncgen(answer):
        async for answer in answer:  # noqa: B007, B020  # each holds all so far
            pass
    return answer


def blocks_of(answer: Any) -> list[dict[str, Any]]:
    """Return the content blocks of a model's answer, the tool calls among them."""
    known = getattr(answer, "content", None)
    if isinstance(known, list):
        return _named_apart(known)
    text = answer.text
    said = [{"type": "text", "text": text}] if text else []
    return _named_apart(said + _calls_of(answer))


def _named_apart(blocks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each call an id of its own: some endpoints give none, or the same to all."""
    seen: set[str] = set()
    found = []
    for block in blocks:
        if block["type"] == "tool_use":
            own = block.get("id")
            block = {**block, "id": own if own and own not in seen else f"call_{new_id()[:16]}"}
            seen.add(block["id"])
        found.append(block)
    return found


def _calls_of(answer: Any) -> list[dict[str, Any]]:
    known = getattr(answer, "tool_calls", None)
    if known is not None:
        return list(known)
    raw = answer.raw
    choices = raw.get("choices") if isinstance(raw, dict) else None
    found = (choices[0].get("message") or {}).get("tool_calls") if choices else None
    return [_block(call) for call in found or ()]


def _block(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    text = function.get("arguments") or "{}"
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    block = {
        "type": "tool_use",
        "id": call.get("id", ""),
        "name": function.get("name", ""),
        "input": given if isinstance(given, dict) else {},
    }
    return block if isinstance(given, dict) else {**block, "raw_input": text}


def made_whole(messages: Iterable[Msg]) -> list[Msg]:
    """Return the messages without muted ones, each tool call followed by its result.

    >>> call = {"type": "tool_use", "id": "1", "name": "add", "input": {}}
    >>> [said.role for said in made_whole([Msg("a", [call]), Msg("b", "?", "user")])]
    ['assistant', 'system', 'user']
    """
    shown = [message for message in messages if not is_muted(message)]
    results = {
        block.get("id"): block for message in shown for block in message.get_content_blocks("tool_result")
    }
    whole: list[Msg] = []
    for message in shown:
        calls = message.get_content_blocks("tool_use")
        if message.has_content_blocks("tool_result"):
            continue  # it follows its call
        whole.append(message)
        for call in calls:
            result = results.get(call["id"]) or result_block(call, FORGOTTEN)
            whole.append(Msg("system", [result], "system"))
    return whole


def result_block(call: dict[str, Any], output: Any) -> dict[str, Any]:
    """Return the block that answers a ``tool_use`` block."""
    return {"type": "tool_result", "id": call.get("id", ""), "name": call.get("name", ""), "output": output}


def wire_messages(model: ModelWrapperBase, messages: Sequence[Msg], speaker: str) -> list[dict[str, Any]]:
    """Return a conversation that is whole as a chat endpoint takes it."""
    wire: list[dict[str, Any]] = []
    plain: list[Msg] = []
    for message in [*messages, None]:
        calls = message.get_content_blocks("tool_use") if message is not None else []
        results = message.get_content_blocks("tool_result") if message is not None else []
        if message is not None and not calls and not results:
            plain.append(message)
            continue
        if plain:
            wire += model.format(*plain, speaker=speaker)
            plain = []
        if calls and message is not None:
            said = message.get_text_content()
            wire.append({"role": "assistant", "content": said, "tool_calls": [_wire_call(c) for c in calls]})
        for result in results:
            wire.append({"role": "tool", "tool_call_id": result["id"], "content": text_of(result["output"])})
    return wire


def _wire_call(block: dict[str, Any]) -> dict[str, Any]:
    given = json.dumps(block["input"], ensure_ascii=False, default=str)
    return {"id": block["id"], "type": "function", "function": {"name": block["name"], "arguments": given}}
