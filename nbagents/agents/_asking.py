"""`called` and `whole`: a model, asked by an agent on the background loop, whoever has written it."""

from __future__ import annotations

import inspect
from typing import Any

from .._threads import on_thread
from ..models import ModelResponse, ModelWrapperBase

__all__ = ["called", "whole"]


async def called(model: ModelWrapperBase, *args: Any) -> Any:
    """Call a model and return its response, which may not have arrived; one that blocks stops nobody else."""
    call = inspect.unwrap(type(model).__call__)
    if type(model).__module__.startswith("nbagents.") or inspect.iscoroutinefunction(call):
        return model(*args)
    return await on_thread(model, *args)


async def whole(response: Any) -> Any:
    """Wait for all of a response, one that streams included, and return it."""
    return await (response.whole() if isinstance(response, ModelResponse) else response)
