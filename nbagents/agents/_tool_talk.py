"""What an agent with tools asks its model, and reads in the answer. Knows neither tools nor memories."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from .._ids import new_id
from ..message import Msg
from ._asking import called

__all__ = ["asked", "own_ids", "result_block"]


async def asked(
    model: Any,
    messages: Any,
    told: Callable[[Any], Awaitable[object]],
    **arguments: Any,
) -> Any:
    """Ask a model and return its whole answer, whether it blocks, is awaited or comes in pieces.

    ``told`` is awaited with the answer before it is there.
    """
    answer = await called(model, messages, **arguments)
    await told(answer)
    if inspect.isawaitable(answer):
        answer = await answer
    if inspect.isasyncgen(answer):
        async for answer in answer:  # noqa: B007, B020  # each holds all so far
            pass
    return answer


def own_ids(content: Iterable[dict[str, Any]], before: Iterable[Msg] = ()) -> list[dict[str, Any]]:
    """Return the content blocks of an answer, each call with an id that none had ``before``.

    Some endpoints give none, or count from ``call_0`` in every answer.
    """
    seen = {block.get("id") for message in before for block in message.get_content_blocks("tool_use")}
    found = []
    for block in content:
        if block["type"] == "tool_use":
            own = block.get("id")
            block = {**block, "id": own if own and own not in seen else f"call_{new_id()[:16]}"}
            seen.add(block["id"])
        found.append(block)
    return found


def result_block(call: dict[str, Any], output: Any) -> dict[str, Any]:
    """Return the block that answers a ``tool_use`` block."""
    return {"type": "tool_result", "id": call.get("id", ""), "name": call.get("name", ""), "output": output}
