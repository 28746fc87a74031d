"""Agents of many tests: they wait to be opened, echo, do what they are told, sleep or work on."""

from __future__ import annotations

import asyncio
import threading

from nbagents.agents import AgentBase
from nbagents.message import Msg


class Gate(AgentBase):
    """Answers once it is opened."""

    def __init__(self, name: str = "gate") -> None:
        super().__init__(name)
        self._opened = threading.Event()

    def reply(self, x=None):
        assert self._opened.wait(20)
        return x if isinstance(x, Msg) else f"{x}"

    def open(self) -> None:
        self._opened.set()


class SoftGate(AgentBase):
    """Answers once it is opened; says whether it was cancelled."""

    def __init__(self, name: str = "gate") -> None:
        super().__init__(name)
        self._opened, self._begun, self._cancelled = threading.Event(), threading.Event(), threading.Event()

    async def reply(self, x=None):
        self._begun.set()
        try:
            while not self._opened.is_set():  # noqa: ASYNC110  # an event of threads
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self._cancelled.set()
            raise
        return "open"


class Echo(AgentBase):
    async def reply(self, x=None):
        await asyncio.sleep(0)
        return f"{self.name}<{x.content if isinstance(x, Msg) else x}>"


class BlockingEcho(AgentBase):
    def reply(self, x=None):
        return f"{self.name}<{x.content if isinstance(x, Msg) else x}>"


class Does(AgentBase):
    """Replies with what a function returns, on a thread."""

    def __init__(self, name: str, body) -> None:
        super().__init__(name)
        self.body = body

    def reply(self, *args, **kwargs):
        return self.body(*args, **kwargs)


class AsyncDoes(Does):
    async def reply(self, *args, **kwargs):
        return await self.body(*args, **kwargs)


class Sleeps(AgentBase):
    """Sleeps until it is cancelled, and says so."""

    def __init__(self, name: str = "sleeps", then=None) -> None:
        super().__init__(name)
        self._begun, self._cancelled, self._then = threading.Event(), threading.Event(), then

    async def reply(self, x=None):
        self._begun.set()
        try:
            if self._then is not None:
                return await self._then()
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self._cancelled.set()
            raise


class Works(AgentBase):
    """A blocking agent that nothing can stop."""

    def __init__(self, name: str = "works") -> None:
        super().__init__(name)
        self._begun, self._let_go = threading.Event(), threading.Event()

    def reply(self, x=None):
        self._begun.set()
        assert self._let_go.wait(20)
        return "done"


async def awaited(message):
    return await message
