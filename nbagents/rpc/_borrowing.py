"""`Borrowing`: what a server borrows, of the limits of runs, from the sessions that told it of them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
from typing import TYPE_CHECKING, Any

from .. import _loop, budget
from .._ids import new_id
from ._fields import Fields
from ._lending import ALLOWANCE
from ._proto import agent_pb2 as pb

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Borrowing"]


class Borrowing:
    """The lenders of one server. On the loop only."""

    def __init__(self) -> None:
        self._lenders: dict[Session, _Lender] = {}

    def limit(self, session: Session, asked: Fields) -> bool:
        """Keep a run's limits for a session; return False if they are kept already.

        Raises:
            ProtocolError, UsageError: it is malformed.
        """
        first = budget.Grant.read(asked.table("lent"))
        lender = self._lenders.get(session) or _Lender(session)
        taken = budget.borrow(asked.id("run"), asked.table("limits"), lender, first)
        if taken:
            self._lenders[session] = lender
        return taken

    def granted(self, session: Session, asked: Fields) -> None:
        """Take in what a session lends; raises as `limit` does."""
        lender = self._lenders.get(session)
        if lender is not None and self._lends(session, asked):
            lender.granted(asked.id("run"), asked.id("ticket"), budget.Grant.read(asked.table("lent")))

    def shared(self, session: Session, asked: Fields) -> None:
        """Note what may be used here once a session is gone; raises as `limit` does."""
        if self._lends(session, asked):
            budget.shared(asked.id("run"), budget.Grant.read(asked.table("lent")))

    async def recalled(self, session: Session, asked: Fields) -> dict[str, Any]:
        """Return what is not used here of what a session has lent."""
        lent = self._lends(session, asked)
        return (await budget.give_back(asked.id("run")) if lent else budget.Grant()).to_dict()

    def _lends(self, session: Session, asked: Fields) -> bool:
        """Is it of this session that the run's limits are borrowed?"""
        lender = self._lenders.get(session)
        return lender is not None and budget.lender_of(asked.id("run")) is lender

    def left(self, session: Session) -> None:
        """A client is gone for good."""
        lender = self._lenders.pop(session, None)
        if lender is not None:
            lender.leave()


class _Lender:
    """The session of whoever lends. It is the `budget.Lender`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked: dict[str, concurrent.futures.Future[budget.Grant | None]] = {}

    async def ask(self, run: str, agent: str, calls: int) -> budget.Grant | None:
        ticket, future = new_id(), concurrent.futures.Future[budget.Grant | None]()
        self._asked[ticket] = future
        _loop.background().post(self._put, run, agent, {"op": "ask", "ticket": ticket, "calls": calls})
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if self._asked.pop(ticket, None) is not None:
                _loop.background().post(self._put, run, agent, {"op": "drop", "ticket": ticket})
            elif future.done() and not future.cancelled() and (more := future.result()) is not None:
                budget.receive(run, more)
            raise

    def tell(self, run: str, agent: str, cost: float | None) -> None:
        _loop.background().post(self._put, run, agent, {"op": "used", "cost": cost})

    def granted(self, run: str, ticket: str, more: budget.Grant) -> None:
        future = self._asked.pop(ticket, None)
        if future is not None and future.set_running_or_notify_cancel():
            future.set_result(more)
        else:
            budget.receive(run, more)  # whoever asked was stopped meanwhile; others may use it

    def leave(self) -> None:
        budget.left(self)
        asked, self._asked = self._asked, {}
        for future in asked.values():
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    def _put(self, run: str, agent: str, told: dict[str, Any]) -> None:
        if self._session.closed:
            self.leave()
            return
        data = pb.Payload(data=json.dumps(told).encode())
        frame = pb.Event(kind=ALLOWANCE, run=run, agent=agent[:500], data=data)
        self._session.writer.put(pb.Frame(event=frame))
