"""`Begun`: a coroutine whose first step runs now, not in the next turn of the loop.

For one that only awaits futures and does not ask which task it runs in, such as gRPC's own ``write``: a
turn of the loop costs a tenth of a round trip.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["Begun"]


class Begun:
    """A running coroutine; ``over`` is called with ``key`` and its error, if any, once it has ended."""

    __slots__ = ("_cancelled", "_first", "_key", "_over", "_waits", "_work")

    def __init__(
        self,
        work: Coroutine[Any, Any, object],
        over: Callable[[Any, BaseException | None], object],
        key: Any,
    ) -> None:
        self._work, self._over, self._key = work, over, key
        self._cancelled, self._first = False, True
        self._waits: asyncio.Future[Any] | None = None
        self._step()
        self._first = False

    def cancel(self) -> None:
        """End it at the place where it waits; ``over`` is not called any more."""
        self._cancelled = True
        if self._waits is not None:
            self._waits.cancel()

    def _step(self, arrived: asyncio.Future[Any] | None = None) -> None:
        try:
            if arrived is not None and arrived.cancelled():
                waits = self._work.throw(asyncio.CancelledError())
            else:
                waits = self._work.send(None)
        except StopIteration:
            self._end(None)
        except BaseException as error:  # noqa: BLE001  # whoever began it gets it
            self._end(error)
        else:
            if waits is None:  # a bare turn of the loop
                asyncio.get_running_loop().call_soon(self._step)
                return
            waits._asyncio_future_blocking = False
            self._waits = waits
            waits.add_done_callback(self._step)

    def _end(self, error: BaseException | None) -> None:
        self._waits = None
        if self._first:  # whoever begins it does not hold it yet
            asyncio.get_running_loop().call_soon(self._tell, error)
        else:
            self._tell(error)

    def _tell(self, error: BaseException | None) -> None:
        if not self._cancelled:
            self._over(self._key, error)
