"""`Stops`: ends calls from outside, and knows whose code runs on though its call is over.

A call that is ended is over at once for whoever waits for it. Its agent is not: a blocking body
cannot be ended from outside. It is told at its next call or wait; until it returns its agent is
*stuck*, and what is asked of the agent queues.
"""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Any

from .._deadlines import Deadlines
from ..exceptions import CallTimeoutError
from ._call import QUEUED, RUNNING, Call, peek
from ._stopped import ended_because
from ._where import frames_of_task, frames_of_thread, line

if TYPE_CHECKING:
    from ._scheduler import Scheduler

__all__ = ["Stops"]

GRACE = 0.05
"""Seconds that a call to another process may be late, so that its server can say why it is."""


class Stops:
    """The end of calls, as far as it comes from outside. On the loop only, but for `run`."""

    def __init__(self, clock: Scheduler) -> None:
        self._clock = clock
        self._deadlines = Deadlines(clock.live.values, self._late)
        self._since: dict[Call, float] = {}
        """The calls that were ended while their bodies run on, and when."""

    def end(self, call: Call, error: BaseException) -> None:
        """Settle a call and the calls below it with an error; its agent is free once the body is over."""
        family = [call]
        for one in family:  # no recursion: a chain of calls may be longer than Python's stack
            family.extend(one.children or ())
        for one in reversed(family):
            self._end_one(one, error)

    def _end_one(self, call: Call, error: BaseException) -> None:
        if call.done:
            return
        self._clock.settle(call, None, error)
        if call.remote is not None:
            call.remote.cancel(call)
        elif call.state == RUNNING:
            self._since[call] = time.monotonic()
            self._clock.bodies.stop(call)
        elif call.mailbox is not None:
            self._clock.pump(call.mailbox)

    def over(self, call: Call) -> None:
        """The body of a call has returned."""
        if self._since:
            self._since.pop(call, None)

    def run(self, run: str, why: str) -> int:
        """End the unfinished calls of a run, the outermost first; return how many there were. Any thread."""
        count: queue.SimpleQueue[int] = queue.SimpleQueue()

        # On the loop, where what was just issued counts.
        self._clock.post(lambda: count.put(self.end_run(run, why)))
        try:
            return count.get(timeout=1)
        except queue.Empty:
            return 0

    def end_run(self, run: str, why: str) -> int:
        """Do as `run`, on the loop only."""
        calls = [call for call in self._clock.live.values() if call.run == run and call.parent is None]
        for call in calls:
            self.end(call, ended_because(call.label(), why))
        return len(calls)

    # ---- deadlines

    def late(self, call: Call) -> bool:
        """Let a call end at its deadline; return whether it, or the call that made it, is over already."""
        stopped = call.parent.stopped() if call.parent is not None else None
        if stopped is not None:  # a thread made it, before it was told
            self._clock.settle(call, None, stopped)
        elif call.deadline is not None:
            left = call.deadline - time.monotonic()
            if left <= 0:
                self._late(call)
            else:
                grace = GRACE if call.remote is not None or call.kind == "many" else 0.0
                call.limit = call.deadline + grace
                self._deadlines.add(call.limit)
        return call.done

    def _late(self, call: Call) -> None:
        behind = self._stuck(call.agent) if call.state == QUEUED and call.agent is not None else None
        why = ""
        if behind is not None:
            where = _where(behind)
            ago = time.monotonic() - self._since[behind]
            why = (
                f" while it waited: {behind.agent_name} is stuck in a call that was stopped {ago:.1f} s ago"
                f"{f' and stands at {where}' if where else ''}; what is asked of it waits until that returns"
            )
        self.end(call, CallTimeoutError(f"the deadline of the call of {call.label()} passed{why}"))

    # ---- what an agent is doing

    def state(self, agent: Any) -> str:
        """Say what an agent does: "idle", "busy", or "stuck" in a call that was stopped."""
        if self._stuck(agent) is not None:
            return "stuck"
        own = peek(agent, "__dict__")
        box = own.get("_box")
        return "busy" if own.get("_open") or (box is not None and box.busy()) else "idle"

    def _stuck(self, agent: Any) -> Call | None:
        box = peek(agent, "__dict__").get("_box")
        running = box.running if box is not None else None
        return running if running in self._since else None


def _where(call: Call) -> str:
    """Say where the body of a call stands."""
    if call.thread:
        return line(frames_of_thread(call.thread))
    return line(frames_of_task(call.task)) if call.task is not None else ""
