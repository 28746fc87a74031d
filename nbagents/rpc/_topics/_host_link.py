"""`HostLink`: a worker's way to its host, which is found again when the host has ended and come back."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from ...exceptions import NbAgentsError, RuntimeStateError
from ._declared import Declared
from ._line import Line, Place
from ._sending import Sending
from ._taking import Taking

__all__ = ["HostLink"]

log = logging.getLogger(__name__)
LEAVE_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two attempts to find the host again."""


class HostLink:
    """One line after the other to whoever listens at a place. On the background loop only."""

    def __init__(self, place: Place, declared: Declared, sending: Sending, taking: Taking) -> None:
        self._place, self._declared, self._sending, self._taking = place, declared, sending, taking
        self._line: Line | None = None
        self._search: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self.running = False
        """Was it started, and not stopped?"""

    @property
    def address(self) -> str:
        """Where the host is, as it was given."""
        return self._place.address

    async def start(self) -> None:
        """Connect, and declare what was declared before; raises what hinders that."""
        async with self._turn:
            await self._start()

    async def _start(self) -> None:
        if self.running:
            raise RuntimeStateError("Runtime is already running.", hint="await runtime.stop()")
        self.running = True
        try:
            line = await self._open()
            try:
                await self._declared.again(line)
            except BaseException:
                await line.close()
                raise
        except BaseException:
            self.running = False
            raise
        self._line = line
        if line.error is not None:  # it has ended before anybody looked
            self._ended(line, line.error)

    async def hand_over(self) -> None:
        """Let others have the types at once, and stop; handlers that run may end meanwhile."""
        line = self._line
        if line is not None and line.error is None:
            with suppress(NbAgentsError, TimeoutError):
                await asyncio.wait_for(line.ask("retire", "{}"), LEAVE_SECONDS)
        self._leaving = asyncio.ensure_future(self.stop())
        self._leaving.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def stop(self) -> None:
        """Take nothing more, let handlers end, leave; raises `RuntimeStateError` if it does not run."""
        if not self.running:  # also while another stop waits for the handler that asks for this one
            raise RuntimeStateError("Runtime is not running.", hint="await runtime.start()")
        async with self._turn:
            await self._stop()

    async def _stop(self) -> None:
        if not self.running:
            raise RuntimeStateError("Runtime is not running.", hint="await runtime.start()")
        self.running = False
        search = self._search
        if search is not None:
            search.cancel()
            await asyncio.wait([search])
        line = self._line
        if line is not None and line.error is None:
            try:
                with suppress(NbAgentsError, TimeoutError):
                    # Answered after all messages that were given to this worker.
                    await asyncio.wait_for(line.ask("retire", "{}"), LEAVE_SECONDS)
                await self._taking.drained()
            finally:
                await line.close()
        if self._line is line:
            self._line = None

    def line(self) -> Line:
        """Return the line that is open; raises why there is none."""
        line = self._line
        if line is None:
            raise RuntimeStateError(
                "the worker does not run: it is not connected to its host", hint="await runtime.start()"
            )
        line.check()
        return line

    async def _open(self) -> Line:
        taking = self._taking
        return await Line.to(
            self._place,
            handles={
                "post": taking.post,
                "outcome": self._sending.outcome,
                "withdraw": taking.withdrawn,
                "more": taking.more,
            },
            ended=self._ended,
            in_flight=lambda: len(self._sending) + len(self._taking),
        )

    def _ended(self, line: Line, error: NbAgentsError) -> None:
        self._sending.end(line, error)
        self._taking.ended(line)
        if self.running and line is self._line and self._search is None:
            log.warning("a worker lost its host, and looks for it: %s", error)
            self._search = asyncio.ensure_future(self._find_again())

    async def _find_again(self) -> None:
        """Look for a host at the same address until there is one."""
        pause = FIRST_PAUSE
        try:
            while self.running:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                try:
                    line = await self._open()
                except (NbAgentsError, OSError) as error:
                    log.debug("the host is not there yet: %s", error)
                    continue
                try:
                    await self._declared.again(line)
                except NbAgentsError as error:
                    if line.error is not None:
                        continue
                    log.error("the host that a worker found again refused a part of it: %s", error)
                except BaseException:
                    await line.close()
                    raise
                if line.error is not None:
                    continue
                self._line = line
                log.warning("a worker found its host again: %s", line.who)
                return
        finally:
            self._search = None
