"""`Watchdog`: notices that code holds the background loop, and says whose it is and where it stands.

Everything of this process stands still meanwhile, so it watches from a thread of its own. Calls cost
nothing by it: who holds the loop is looked up once it is held.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterable
from types import FrameType
from typing import Any

from .. import _loop, context, events
from ._call import Call, peek
from ._spread import observed
from ._where import frames_of_thread, line

__all__ = ["Watchdog"]

log = logging.getLogger(__name__)
PERIOD = 0.5
LIMIT = 2.0
"""Seconds for which the loop may be held before somebody is told."""


class Watchdog:
    """Watches one loop from a daemon thread; tells once of each time that it is held for long.

    It is told in the log, and as an event ``blocked`` of the call that holds the loop. How long an
    agent has held it is noted on the agent as soon as it lets go.
    """

    def __init__(self, background: _loop.LoopThread) -> None:
        self._background, self._loop = background, background.loop
        self._beat = time.monotonic()
        self._held: tuple[Any, float] | None = None
        self._closed = threading.Event()
        background.post(self._tick)
        threading.Thread(target=self._main, name="nbagents-watchdog", daemon=True).start()

    def close(self) -> None:
        """Watch no longer."""
        self._closed.set()

    def _tick(self) -> None:
        now, held = time.monotonic(), self._held
        if held is not None:
            agent, since = held
            peek(agent, "__dict__")["_blocked"] = round(now - since, 1)
            self._held = None
        self._beat = now
        if not self._closed.is_set():
            self._loop.call_later(PERIOD, self._tick)

    def _main(self) -> None:
        told, since, before = 0.0, 0.0, time.monotonic()
        while not self._closed.wait(PERIOD):
            now, beat = time.monotonic(), self._beat
            if now - before > 2 * PERIOD:  # the process was stopped, or nobody could run: that is no fault
                since = now
            before = now
            if beat != told and now - max(beat, since) > LIMIT:
                told = beat
                try:
                    self._tell(now - beat, beat)
                except Exception:
                    log.exception("the watchdog could not tell who holds the loop")

    def _tell(self, seconds: float, since: float) -> None:
        frames = list(frames_of_thread(self._background.ident))
        agent, call = _holder(frames)
        where = line(frames)
        if agent is None:
            log.info("the background loop has been held for %.1f s; it stands at %s", seconds, where or "?")
            return
        self._held = agent, since
        name, kind = peek(agent, "_name"), type(agent).__name__
        log.warning(
            "the agent %s (%s) has held the loop for %.1f s, and all others of this process wait: it stands "
            "at %s. Await something that does not block, or write `def reply`, which gets its own thread",
            name,
            kind,
            seconds,
            where or "code of a library",
        )
        if call is not None:
            data = {"seconds": round(seconds, 1), "where": where, "type": kind}
            events.publish(
                events.Event("blocked", call.id, call.agent_name, call.run, call.parent_id, data, source=call)
            )


def _holder(frames: Iterable[FrameType]) -> tuple[Any, Call | None]:
    """Return the agent whose code runs in these frames of the loop's thread, and its call."""
    for frame in frames:
        if frame.f_code is observed.__code__:
            return frame.f_locals["agent"], None
        if frame.f_code is asyncio.Handle._run.__code__:  # it knows the context that runs, and so the call
            call = frame.f_locals["self"]._context.get(context.frame)
            return (call.agent, call) if isinstance(call, Call) else (None, None)
    return None, None
