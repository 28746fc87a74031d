"""`Lending`: what this process lends one server of the limits of runs. See `nbagents.budget.Grant`.

A server is told of a run's limits before the first call of that run, with something to begin with.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _loop, budget
from ..agents import Call
from ..exceptions import NbAgentsError, ProtocolError
from ._json import load
from ._limits import LONGEST_ID
from ._proto import agent_pb2 as pb

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["ALLOWANCE", "Lending"]

log = logging.getLogger(__name__)
ALLOWANCE = "allowance"
"""The kind of event by which a server asks for more and tells what it used."""
RECALLED = 2.0
"""Seconds that a server may take to give back what it does not use; then it counts as used."""
REMEMBERED = 10_000


class Lending:
    """One server's part. On the loop only, but for `share`. It is the `budget.Borrower`."""

    def __init__(self, there: Attachment, call_of: Callable[[str], Call | None]) -> None:
        self._there, self._call_of = there, call_of
        self._told: dict[str, None] = {}
        self._asked: dict[tuple[str, str], asyncio.Task[None]] = {}

    def tell(self, run: str) -> None:
        """Tell the server of a run's limits, where it has some and that is still to be done."""
        if run in self._told:
            return
        lent, limits = budget.lend(run, self), budget.limits_of(run)
        if lent is None or limits is None:
            return
        self._told[run] = None
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]

        def answered(told: asyncio.Future[Any]) -> None:
            # It has somebody else to borrow from, or keeps the run's limits itself.
            if told.cancelled() or told.exception() is not None or told.result().message != "true":
                budget.taken_back(run, self, lent)

        about = {"run": run, "limits": limits.to_dict(), "lent": lent.to_dict()}
        self._there.ask("limit_run", value=json.dumps(about)).add_done_callback(answered)
        budget.tell_shares(run)

    def happened(self, event: pb.Event) -> None:
        """Take in what the server asks or tells of a run whose limits it was told.

        Raises:
            ProtocolError: it is malformed.
        """
        told = load(event.data.data, "what an agent server tells of a limit")
        if not isinstance(told, dict):
            raise ProtocolError("what an agent server tells of a limit is no JSON object")
        if event.run not in self._told:
            return
        agent, ticket = event.agent[:LONGEST_ID], str(told.get("ticket"))[:LONGEST_ID]
        if told.get("op") == "used":
            cost = told.get("cost")
            budget.told(
                event.run, self, agent, max(float(cost), 0.0) if isinstance(cost, (int, float)) else None
            )
        elif told.get("op") == "drop":
            task = self._asked.pop((event.run, ticket), None)
            if task is not None:
                task.cancel()
        elif told.get("op") == "ask" and (event.run, ticket) not in self._asked:
            calls = told.get("calls")
            calls = min(max(calls, 1), REMEMBERED) if type(calls) is int else 1
            # A person is asked as by whoever made the call there.
            call = self._call_of(event.run)
            around = call.context.copy() if call is not None and call.context is not None else None
            around = around or budget.context_of(event.run) or contextvars.copy_context()
            work = self._grant(event.run, ticket, agent, calls)
            task = asyncio.get_running_loop().create_task(work, context=around)
            self._asked[(event.run, ticket)] = task

    async def _grant(self, run: str, ticket: str, agent: str, calls: int) -> None:
        try:
            more = await budget.grant(run, self, agent, calls)
        except NbAgentsError as error:
            more = budget.Grant(refused=str(error), hint=error.hint or "")
        except Exception as error:
            log.exception("more was asked for in a run, and that failed")
            more = budget.Grant(refused=f"nobody could be asked for more: {error!r}"[:500])
        finally:
            self._asked.pop((run, ticket), None)
        self._there.ask("grant_run", value=json.dumps({"run": run, "ticket": ticket, "lent": more.to_dict()}))

    async def recall(self, run: str) -> budget.Grant:
        """Take back what the server does not use."""
        asked = self._there.ask("recall_run", value=json.dumps({"run": run}))
        done, _ = await asyncio.wait([asked], timeout=RECALLED)
        try:
            return budget.Grant.read(json.loads(asked.result().message)) if done else budget.Grant()
        except (NbAgentsError, ValueError, AttributeError):
            return budget.Grant()

    def share(self, run: str, left: budget.Grant) -> None:
        """Tell the server what is its own should this process end. Any thread."""
        _loop.background().post(self._share, run, left)

    def _share(self, run: str, left: budget.Grant) -> None:
        if self._there.error is None:
            self._there.ask("share_run", value=json.dumps({"run": run, "lent": left.to_dict()}))

    def end(self) -> None:
        """The server is gone."""
        asked, self._asked = self._asked, {}
        for task in asked.values():
            task.cancel()
