"""`Steering`: the requests by which any session of the user sees runs and stops them, and what is beside.

They come over the stream alone. What begins and ends a run is answered at once, in the order in which it
came, so that calls behind it find it done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..agents import STOPPED, Call, ended_because, scheduler, thaw
from ..exceptions import ProtocolError
from ..message import Msg
from ._agents import AgentTable
from ._borrowing import Borrowing
from ._fields import Fields
from ._limits import LONGEST_LABEL, MAX_LOG_LINES
from ._log_end import last_lines
from ._memories import Memories
from ._methods import parsed_request
from ._proto import agent_pb2 as pb
from ._questions import Questions
from ._results import Results
from ._run_book import RunBook
from ._taping import Tapes

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Steering"]


class Steering:
    """What can be asked of one server about its runs. On the loop only."""

    def __init__(self, results: Results, agents: AgentTable) -> None:
        self.borrowing, self.tapes = Borrowing(), Tapes()
        self.book = RunBook(lambda: agents.keeper)
        self.log: Path | None = None
        """Where this process's log is, if it is a server of its own."""
        memories = Memories(agents)
        self._agents = agents
        self._results, self._questions = results, Questions(self.book)
        self._at_once: dict[str, Callable[[Session, Fields], Any]] = {
            "begin_run": self._begin_run,
            "note_run": lambda _, asked: self.book.note(asked),
            "end_run": lambda _, asked: self.book.end(asked),
            "watch_run": self._watch_run,
            "stop_run": self._stop_run,
            "stop_call": self._stop_call,
            "interrupt": self._interrupt,
            "leave_question": self._questions.leave,
            "limit_run": self.borrowing.limit,
            "grant_run": self.borrowing.granted,
            "share_run": self.borrowing.shared,
            "tape_run": self.tapes.begin,
            "tape_answer": self.tapes.answered,
        }
        self._in_time: dict[str, Callable[[Session, Fields], Awaitable[Any]]] = {
            "answer": self._questions.answer,
            "show_question": self._questions.show,
            "ask": self._questions.ask,
            "edit_memory": memories.edit,
            "fork_agent": memories.fork,
            "sent_to_model": memories.sent,
            "log": self._log,
            "runs": self._runs,
            "run_events": self._run_events,
            "questions": self._questions.listed,
            "recall_run": self.borrowing.recalled,
        }

    def knows(self, method: str) -> bool:
        """Is this one of its requests?"""
        return method in self._at_once or method in self._in_time

    def at_once(self, method: str) -> bool:
        """Is this one that is answered at once?"""
        return method in self._at_once

    def answered(self, session: Session, method: str, body: bytes) -> bytes:
        """Answer a request that is answered at once, in bytes.

        Raises:
            NbAgentsError: it is refused.
        """
        asked = Fields(method, parsed_request(method, body).value)
        return _told(self._at_once[method](session, asked))

    async def answer(self, session: Session, method: str, body: bytes) -> bytes:
        """Answer a request that takes its time; raises as `answered` does."""
        asked = Fields(method, parsed_request(method, body).value)
        return _told(await self._in_time[method](session, asked))

    def left(self, session: Session) -> None:
        """A client is gone for good."""
        self.borrowing.left(session)
        self.tapes.left(session)
        self.book.left(session)

    # ---- runs

    def _begin_run(self, session: Session, asked: Fields) -> int:
        return self.book.begin(session, asked).number

    async def _runs(self, _: Session, asked: Fields) -> list[dict[str, Any]]:
        return self.book.listed(asked.text("workspace", 4096) if "workspace" in asked else None)

    async def _run_events(self, _: Session, asked: Fields) -> _Text:
        entries = self.book.known(asked.id("run")).entries()
        return _Text(f"[{', '.join(entry.text() for entry in entries)}]")

    def _watch_run(self, session: Session, asked: Fields) -> None:
        run = self.book.known(asked.id("run"))
        if asked.flag("over"):
            run.watchers.discard(session)
        else:
            run.watchers.add(session)

    # ---- stopping

    def _stop_run(self, _: Session, asked: Fields) -> int:
        run_id, why = asked.id("run"), asked.text("why", LONGEST_LABEL) or STOPPED
        calls = [
            call
            for call in scheduler().live.values()
            if call.run == run_id and call.parent is None and self._is_own(call)
        ]
        run, count = self.book.find(run_id), len(calls)
        if run is not None:
            count = max(count, sum(outermost for _, outermost in run.open.values()))
            self.book.stop(run, why)
            _tell(run.owner, pb.Cancel(run=run_id, why=why))
        for call in calls:
            _end(call, why)
        return count

    def _stop_call(self, _: Session, asked: Fields) -> bool:
        call_id, why = asked.id("call"), asked.text("why", LONGEST_LABEL) or STOPPED
        call = scheduler().live.get(call_id) or self._results.find(call_id)
        run = self.book.of_call(call_id)
        if run is not None:
            _tell(run.owner, pb.Cancel(run=run.id, call=call_id, why=why))
        if call is None or call.done or not self._is_own(call):
            return run is not None and run.owner is not None
        _end(call, why)
        return True

    def _interrupt(self, _: Session, asked: Fields) -> None:
        agent = self._agents.get(asked.id("agent")).agent
        agent.interrupt(_messages(asked.table("said").get("messages", [])) or None)

    # ---- the log

    async def _log(self, _: Session, asked: Fields) -> str:
        lines = asked.count("lines", MAX_LOG_LINES, 200) or 0
        if self.log is None:
            return ""
        return "".join(f"{line}\n" for line in await asyncio.to_thread(last_lines, self.log, lines))

    def _is_own(self, call: Call) -> bool:
        """Was this call asked for over the wire? A server in one process with its clients sees theirs too."""
        return getattr(call.origin, "book", None) is self.book


class _Text(str):
    """What is JSON already."""

    __slots__ = ()


def _messages(said: Any) -> list[Msg]:
    try:
        found = thaw(said)
    except (ValueError, TypeError, KeyError, AttributeError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, Msg) for one in found):
        raise ProtocolError("interrupt takes a list of messages as what was said")
    return found


def _told(value: Any) -> bytes:
    text = value if isinstance(value, _Text) else json.dumps(value)
    data: bytes = pb.GeneralResponse(ok=True, message=text).SerializeToString()
    return data


def _tell(session: Session | None, cancel: pb.Cancel) -> None:
    """Tell the client that began a run, whose own part of it this server cannot end."""
    if session is not None and not session.closed:
        session.writer.put(pb.Frame(cancel=cancel))


def _end(call: Call, why: str) -> None:
    scheduler().end(call, ended_because(call.label(), why))
