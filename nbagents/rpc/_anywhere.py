"""`anywhere`: lets methods be called on any thread, though they all run on the background loop.

There they are coroutines. A plain thread, such as those of a `grpc.server` that somebody else has made, waits
for the answer; another loop gets something to await.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

from .. import _loop
from ._status import status_of

__all__ = ["anywhere", "streamed_anywhere"]


def anywhere(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Return a method that answers wherever it is called.

    Where it has to wait and was given gRPC's context of the call, an error ends the call with its status.
    """

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: Any = None) -> Any:
        background = _loop.background()
        work = method(self, request, context)
        if background.here():
            return work
        future = background.spawn(work)
        if _on_a_loop():
            return background.arrive(future)
        with contextlib.suppress(AttributeError, NotImplementedError):  # grpc.aio has no such callbacks
            context.add_callback(future.cancel)  # nobody waits any more
        with _told(context):
            return background.wait(future)

    return answer


def streamed_anywhere(method: Callable[..., AsyncIterator[Any]]) -> Callable[..., Any]:
    """Return a method that answers in parts, wherever it is called; on another loop than ours it blocks."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: Any = None) -> Any:
        parts = method(self, request, context)
        return parts if _loop.background().here() else _blocking(parts, context)

    return answer


def _blocking(parts: AsyncIterator[Any], context: Any) -> Iterator[Any]:
    async def following() -> Any:
        return await anext(parts, None)

    with _told(context):
        while (part := _loop.background().run(following())) is not None:
            yield part


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextlib.contextmanager
def _told(context: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if context is not None:
            context.abort(*status_of(error))  # raises
        raise
