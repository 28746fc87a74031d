"""A model, or what prepares for it, asked by an agent on the background loop, and asked again.

Whoever has written it: what blocks runs on a thread.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .._threads import on_thread
from ..exceptions import ResponseParsingError
from ..message import Msg
from ..models import ModelResponse

__all__ = ["called", "until_read", "whole"]

SHOWN = 4000
"""Characters of an answer that could not be read that the model is shown again."""
Read = TypeVar("Read")


async def called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a model, or a ``format``; return its value, which may not have arrived.

    What is neither ours nor ``async`` may block, and stops nobody else then.
    """
    call = inspect.unwrap(function if inspect.isroutine(function) else type(function).__call__)
    if str(getattr(call, "__module__", "")).startswith("nbagents.") or inspect.iscoroutinefunction(call):
        return function(*args, **kwargs)
    return await on_thread(lambda: function(*args, **kwargs))


async def whole(response: Any) -> Any:
    """Wait for all of a response, one that streams included, and return it."""
    return await (response.whole() if isinstance(response, ModelResponse) else response)


async def until_read(
    name: str, ask: Callable[[list[Msg]], Awaitable[str]], read: Callable[[str], Awaitable[Read]], tries: int
) -> Read:
    """Ask until an answer can be read, at most ``tries`` times, and return what is read.

    ``ask`` is told what the conversation ends with: what ``name`` answered before, and what was wrong.

    Raises:
        ResponseParsingError: the last answer cannot be read either; it is the error's ``raw_response``.
    """
    again: list[Msg] = []
    while True:
        text = await ask(again)
        tries -= 1
        try:
            return await read(text)
        except ResponseParsingError as error:
            if tries <= 0:
                error.raw_response = text
                raise
            shown = text if len(text) <= SHOWN else text[:SHOWN] + "…"
            hint = f"Your answer could not be read: {error}"
            again = [Msg(name, shown, "assistant"), Msg("system", hint, "user")]
