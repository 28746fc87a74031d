"""What a model that calls tools is asked and answers."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from .._ids import new_id
from ..exceptions import ModelResponseError
from ..message import Msg

__all__ = ["asked", "blocks_of", "result_block"]


async def asked(
    model: Any,
    messages: Any,
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


def blocks_of(answer: Any, before: Iterable[Msg] = ()) -> list[dict[str, Any]]:
    """Return the content blocks of a model's answer, each call with an id that none had ``before``.

    Some endpoints give none, or count from ``call_0`` in every answer.

    Raises:
        ModelResponseError: it is no answer of a model.
    """
    seen = {block.get("id") for message in before for block in message.get_content_blocks("tool_use")}
    if not hasattr(answer, "text"):
        raise ModelResponseError(
            f"a model answered with a {type(answer).__name__}, not with a ModelResponse",
            hint="return ModelResponse(text=...) in its __call__",
        )
    known = getattr(answer, "content", None)
    if not isinstance(known, list):
        known = [{"type": "text", "text": answer.text}] if answer.text else []
    found = []
    for block in known:
        if block["type"] == "tool_use":
            own = block.get("id")
            block = {**block, "id": own if own and own not in seen else f"call_{new_id()[:16]}"}
            seen.add(block["id"])
        found.append(block)
    return found


def result_block(call: dict[str, Any], output: Any) -> dict[str, Any]:
    """Return the block that answers a ``tool_use`` block."""
    return {"type": "tool_result", "id": call.get("id", ""), "name": call.get("name", ""), "output": output}
