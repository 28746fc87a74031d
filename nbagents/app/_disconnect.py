"""`cancelled_on_disconnect`: an answer ends with its client, also while nothing is written to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive

from ._answer import Answer

__all__ = ["cancelled_on_disconnect"]


@asynccontextmanager
async def cancelled_on_disconnect(receive: Receive, answer: Answer) -> AsyncIterator[None]:
    """Stop an answer when the client closes its connection, inside. The body of its request has been read."""
    watching = asyncio.create_task(_watch(receive, answer), name=f"nbagents-client-of-{answer.id}")
    try:
        yield
    finally:
        watching.cancel()


async def _watch(receive: Receive, answer: Answer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    answer.cancel()
