"""`called` and `whole`: a model, or what prepares for it, asked by an agent on the background loop.

Whoever has written it: what blocks runs on a thread.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .._threads import on_thread
from ..models import ModelResponse

__all__ = ["called", "whole"]


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
