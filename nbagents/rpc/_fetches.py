"""`Fetches`: the messages that another server needs of this one, as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..agents import Call
from ..exceptions import NbAgentsError
from ._results import Results

__all__ = ["Fetches"]

LATE_SECONDS, LATE_TICK = 5.0, 0.05
"""How long a server waits for a call that another server asks about and that it has not heard of yet."""


class Fetches:
    """What one session waits for of calls that others made. On the loop only.

    ``tell`` is called with a call once it has ended, ``refuse`` with an id and why nothing will come.
    """

    def __init__(
        self,
        results: Results,
        tell: Callable[[Call], object],
        refuse: Callable[[str, NbAgentsError], object],
    ) -> None:
        self._results, self._tell, self._refuse = results, tell, refuse
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._wanted: dict[str, Call] = {}

    def want(self, call_id: str, until: float | None = None) -> None:
        """Tell how a call ended, once it has; one that is still on its way may come."""
        loop = asyncio.get_running_loop()
        self._timers.pop(call_id, None)
        call = self._results.find(call_id)
        if call is not None:
            call.read = True  # the other server tells whoever reads it
            self._wanted[call_id] = call
            call.on_done(lambda: self._over(call))
        elif not self._results.was_kept(call_id) and (until is None or loop.time() < until):
            until = until or loop.time() + LATE_SECONDS
            self._timers[call_id] = loop.call_later(LATE_TICK, self.want, call_id, until)
        else:
            self._refuse(call_id, self._results.expired(call_id))

    def drop(self, call_id: str) -> None:
        """Nobody over there needs it any more."""
        timer = self._timers.pop(call_id, None)
        if timer is not None:
            timer.cancel()
        self._wanted.pop(call_id, None)

    def close(self) -> None:
        """Nobody is there any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers, self._wanted = {}, {}

    def _over(self, call: Call) -> None:
        if self._wanted.pop(call.id, None) is call:
            self._tell(call)
