"""`KernelExecutor`: Python for a model, cell by cell, in a kernel that keeps what was defined before."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..._ids import new_id
from ..._loop import background
from ..._threads import on_thread
from ...exceptions import UsageError
from ...sandbox import Level, Limits, Sandbox, make_scratch, remove_scratch
from .._response import ToolResponse
from .._service import ServiceExecStatus, ServiceResponse
from ._kernel_process import GRACE, KernelProcess
from ._kernel_tool import KernelTool, executors, run_python
from ._rich import Rich

__all__ = ["KernelExecutor"]

T = TypeVar("T")
PAUSE = 0.1
"""Seconds between two answers while a cell runs."""
CLOSING = 5.0
GONE = {"killed": "it was reset", "memory": "it took too much memory"}


class KernelExecutor:
    """An IPython kernel in a sandbox: what one cell defines the next one has; plots come as pictures.

    It starts with the first cell, in about two seconds, and ends with `close`, with the ``with`` in which it
    stands, or with this process. ``timeout`` is in seconds, for each cell. It writes in its ``folder`` (a
    private one unless given, which is removed at the end), reads that, this Python's packages, the system
    and ``readable``, and has no network unless ``network``. ``least`` is the lowest level of a sandbox.

    `tools` are for a `Toolkit`. `run` is for yourself: it blocks and may be interrupted. Safe from any
    thread; cells run one after the other.

    >>> with KernelExecutor() as kernel:
    ...     _ = kernel.run("import math; x = 9")
    ...     print(kernel.run("math.sqrt(x)").text)
    3.0
    """

    def __init__(
        self,
        timeout: float = 300,
        *,
        folder: str | Path | None = None,
        readable: Sequence[str | Path] = (),
        network: bool = False,
        limits: Limits = Limits(memory=2**31, processes=256),  # noqa: B008  # frozen
        least: Level | None = None,
        id: str = "",
    ) -> None:
        if not timeout > 0:
            raise UsageError(f"a cell needs some time to run: timeout is {timeout}")
        self.timeout, self.id = timeout, id or new_id()
        """Seconds for a cell, and by what its tool knows it."""
        self._told = {
            "timeout": timeout,
            "folder": None if folder is None else os.path.abspath(folder),
            "readable": [os.path.abspath(path) for path in readable],
            "network": network,
            "limits": dataclasses.asdict(limits),
            "least": None if least is None else int(least),
        }
        self._given = {"limits": limits, "network": network, "readable": tuple(readable), "least": least}
        self._life = _Life(folder)
        executors[self.id] = self
        # Not tied to self, which may be forgotten while a cell runs.
        self._end = weakref.finalize(self, self._life.close)

    # ---- for people

    def run(self, code: str, timeout: float | None = None) -> ToolResponse:
        """Run a cell and return what it shows: text, pictures, how it failed (``is_error``).

        A cell that takes longer than ``timeout`` seconds, by default those of the constructor, is
        interrupted; one that goes on nevertheless is ended with the kernel. An interrupt of yours does the
        same.

        Raises:
            SandboxError: there is no sandbox that is good enough.
            UsageError: it is closed.
            WouldBlockLoopError: on the background loop, where only the tool works.
        """
        return background().run(self._last(code, timeout))

    def interrupt(self) -> None:
        """Interrupt the cell that runs, if one does. Returns at once; from any thread."""
        kernel = self._life.kernel
        if kernel is not None:
            kernel.interrupt()

    def reset(self) -> None:
        """Forget what cells have defined: the kernel ends, and another starts with the next cell."""
        background().run(self._life.stopped())

    def close(self) -> None:
        """End the kernel, and remove its folder if it has one of its own. Twice is fine."""
        self._end()

    def __enter__(self) -> KernelExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- for models

    def tools(self) -> list[KernelTool]:
        """Return the function for a model, ``run_python``, whose answer grows while the cell runs.

        With its toolkit an agent takes it along to a server, where it has a kernel of its own, which ends
        with the server, or when nothing was run in it for half an hour.
        """
        return [KernelTool(run_python, kernel=self.id, **self._told)]

    def answers(self, code: str) -> AsyncGenerator[ToolResponse, None]:
        """Run a cell and yield what it shows so far, at the end all of it; on any loop."""
        return _on_loop(self._answers(code))

    @property
    def busy(self) -> bool:
        """Does a cell run?"""
        return self._life.turn.locked()

    # ---- as AgentScope names it

    def run_code_on_notebook(self, code: str) -> ServiceResponse:
        """Run a cell; the content is its text, or a list of blocks where it shows more than text."""
        answer = self.run(code)
        status = ServiceExecStatus.ERROR if answer.is_error else ServiceExecStatus.SUCCESS
        plain = all(block["type"] == "text" for block in answer.content)
        return ServiceResponse(status, answer.text if plain else answer.content)

    def reset_notebook(self) -> None:
        """Forget what cells have defined."""
        self.reset()

    # ---- on the loop

    async def _last(self, code: str, seconds: float | None) -> ToolResponse:
        answer = ToolResponse([])
        async with contextlib.aclosing(self._answers(code, seconds)) as answers:
            async for answer in answers:  # noqa: B007  # the last one counts
                pass
        return answer

    async def _answers(self, code: str, seconds: float | None = None) -> AsyncGenerator[ToolResponse, None]:
        seconds = self.timeout if seconds is None else seconds
        async with self._life.turn:
            kernel = await self._life.started(self._given)
            limit, rich, told = time.monotonic() + seconds, Rich(), 0.0
            late = over = False
            try:
                async with contextlib.aclosing(kernel.cell(code)) as messages:
                    async for message in messages:
                        new = bool(message) and rich.take(message["msg_type"], message["content"])
                        now = time.monotonic()
                        if now > limit + (GRACE if late else 0):
                            if late:
                                break
                            late = True
                            kernel.interrupt()
                        if new and now - told > PAUSE:
                            told = now
                            yield rich.response(is_last=False)
                    else:
                        over = True
            except EOFError:
                why = GONE.get((await kernel.running.wait()).ended, "the code ended it")
                rich.add_error(f"The kernel is gone: {why}. What was defined is forgotten.")
            finally:
                if not over:
                    await asyncio.shield(asyncio.ensure_future(self._stop(kernel, 0 if late else GRACE)))
            if late:
                left = "" if over else ", and was ended with its kernel: what was defined is forgotten"
                rich.add_error(f"TimeoutError: the cell did not end within {seconds:g} s{left}")
            yield rich.response()

    async def _stop(self, kernel: KernelProcess, seconds: float) -> None:
        """End a cell that nobody waits for: by an interrupt if that is enough, else with its kernel."""
        if seconds and not kernel.running.done() and await kernel.settled(seconds):
            return
        await self._life.drop()

    def __repr__(self) -> str:
        return f"<Python kernel, {'running' if self._life.kernel is not None else 'not started'}>"


async def _on_loop(answers: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Yield these, step by step on the background loop, to whom the sockets of the kernel belong."""
    loop = background()

    async def step() -> tuple[T] | None:
        try:
            return (await anext(answers),)
        except StopAsyncIteration:
            return None

    async def end() -> None:
        await answers.aclose()

    try:
        while (found := await loop.cross(step())) is not None:
            yield found[0]
    finally:
        await loop.cross(end())


class _Life:
    """The kernel of an executor and its folder, from the first cell to the end."""

    def __init__(self, folder: str | Path | None) -> None:
        self.kernel: KernelProcess | None = None
        self.turn = asyncio.Lock()
        self._given = folder
        self._own: Path | None = None
        self._closed, self._pid = threading.Event(), os.getpid()

    async def started(self, given: dict[str, Any]) -> KernelProcess:
        """Return the kernel, started if there is none."""
        if self._closed.is_set():
            raise UsageError("this kernel is closed", hint="make another KernelExecutor")
        if self.kernel is not None and self.kernel.running.done():
            await self.drop()
        if self.kernel is None:
            sandbox = await on_thread(self._sandbox, given)
            self.kernel = await KernelProcess.start(sandbox)
        return self.kernel

    def _sandbox(self, given: dict[str, Any]) -> Sandbox:
        if self._given is None and self._own is None:
            self._own = make_scratch()
        folder = self._given if self._own is None else self._own
        assert folder is not None
        return Sandbox(folder, **given)

    async def drop(self) -> None:
        """End the kernel."""
        kernel, self.kernel = self.kernel, None
        if kernel is not None:
            await kernel.end()

    async def stopped(self) -> None:
        """End the kernel, also while a cell runs: whoever waits for that hears of it."""
        if self.kernel is not None:
            await self.kernel.running.kill()
        async with self.turn:
            await self.drop()

    def close(self) -> None:
        """End the kernel for good. May be called anywhere, also at the end of the process."""
        if os.getpid() != self._pid:  # a fork has no kernel of its own
            return
        self._closed.set()
        loop = background()
        work = loop.spawn(self._finish())
        if not loop.here():
            with contextlib.suppress(TimeoutError):
                loop.wait(work, timeout=CLOSING)

    async def _finish(self) -> None:
        await self.stopped()
        if self._own is not None:
            await on_thread(remove_scratch, self._own)
