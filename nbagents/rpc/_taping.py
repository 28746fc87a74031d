"""The tape of a run, reached from its servers: what they record comes to it, what they replay is asked of it.

`Taping` is the side of whoever has the tape, or knows who has it; `Tapes` the server's. A server is told
that a run has a tape before the first call of that run. Once it knows that a run is a replay, nothing of that
run asks anybody else, also when whoever has the tape is gone.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import _loop, recording
from .._ids import new_id
from .._surrogates import well_formed
from ..exceptions import NbAgentsError, ProtocolError, ReplayMismatchError
from ._fields import Fields
from ._json import load, too_many
from ._limits import LONGEST_ID
from ._proto import agent_pb2 as pb

if TYPE_CHECKING:
    from ._attachment import Attachment
    from ._session import Session

__all__ = ["TAPE", "Tapes", "Taping"]

log = logging.getLogger(__name__)
TAPE = "tape"
"""The kind of event by which a server records, and asks what was recorded."""
REMEMBERED = 10_000
LONGEST_TEXT = 2000
MOST_OPEN = 10_000
"""Questions of one server to a tape that are open at once."""


class Taping:
    """One server's way to the tapes of this process. On the loop only."""

    def __init__(self, there: Attachment) -> None:
        self._there = there
        self._told: dict[str, recording.Tape] = {}
        self._asked: set[asyncio.Task[None]] = set()

    def tell(self, run: str) -> None:
        """Tell the server that a run has a tape, where it has one and that is still to be done."""
        if run in self._told:
            return
        tape = recording.tape_of(run)
        if tape is None:
            return
        for known, its in [each for each in self._told.items() if each[1].over]:
            del self._told[known]
            self._tell(known, its, over=True)
        self._told[run] = tape
        self._tell(run, tape)

    def _tell(self, run: str, tape: recording.Tape, *, over: bool = False) -> None:
        value = json.dumps({"run": run, "replays": tape.replays} | ({"over": True} if over else {}))
        self._there.ask("tape_run", value=value)

    def happened(self, event: pb.Event) -> None:
        """Take in what the server records, or asks, of a run that it was told of.

        Raises:
            ProtocolError: it is malformed.
        """
        told = load(event.data.data, "what an agent server tells of a recording")
        if not isinstance(told, dict):
            raise ProtocolError("an agent server tells of a recording, and it is no JSON object")
        op, ticket, tape = told.get("op"), str(told.get("ticket"))[:LONGEST_ID], self._told.get(event.run)
        if tape is None:
            if op == "ask":  # whoever asks waits
                error = {"message": "the replay of this run is over, and nobody else is asked"}
                about = {"run": event.run, "ticket": ticket, "error": error}
                self._there.ask("tape_answer", value=json.dumps(about))
            return
        if op == "miss":
            tape.miss(str(told.get("what"))[:LONGEST_TEXT])
            return
        try:
            # What would not do as a line of the file is left out here, where it comes in.
            if op == "note":
                entry = recording.Entry.from_dict({**told, "agent": event.agent, "n": 1})
                tape.note(entry.agent, entry.asked, entry.answer)
                return
            asked = recording.Asked.from_dict(told)
        except ValueError as error:
            if op == "note":  # one odd answer is no reason to part with the server
                tape.miss(f"an answer to {event.agent or 'the program'}, as its server tells of it: {error}")
                return
            raise ProtocolError(f"an agent server asks a recording, and {error}") from None
        if len(self._asked) >= MOST_OPEN:
            raise ProtocolError(f"an agent server asks more than {MOST_OPEN} things of a recording at once")
        task = asyncio.get_running_loop().create_task(
            self._answer(tape, event.run, event.agent, asked, ticket)
        )
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _answer(
        self, tape: recording.Tape, run: str, agent: str, asked: recording.Asked, ticket: str
    ) -> None:
        about: dict[str, Any] = {"run": run, "ticket": ticket}
        try:
            about["answer"] = dict(await tape.answer(agent, asked))
        except NbAgentsError as error:
            about["error"] = {"message": str(error)[:LONGEST_TEXT], "hint": error.hint or ""}
        try:
            await self._there.ask("tape_answer", value=json.dumps(about, ensure_ascii=False))
        except NbAgentsError as error:  # the agent waits for that ticket, and would for ever
            log.warning("what was recorded of %s does not reach its server: %s", agent, error)
            about = {
                "run": run,
                "ticket": ticket,
                "error": {"message": f"what was recorded cannot be sent: {error}"[:LONGEST_TEXT]},
            }
            self._there.ask("tape_answer", value=json.dumps(about))

    def end(self) -> None:
        """The server is gone."""
        for task in self._asked:
            task.cancel()


class Tapes:
    """What a server knows of the tapes of its sessions' runs. On the loop only."""

    def __init__(self) -> None:
        self._far: dict[Session, dict[str, _FarTape]] = {}

    def begin(self, session: Session, asked: Fields) -> bool:
        """Take in that a run has a tape where a session is, or no more; return False if one is known already.

        A session that has no connection, and may never have one again, does not keep others from that.

        Raises:
            ProtocolError: it is malformed.
        """
        run, replays = asked.id("run"), asked.flag("replays")
        known, of_session = recording.tape_of(run), self._far.setdefault(session, {})
        if asked.flag("over"):
            if (ended := of_session.pop(run, None)) is not None:
                ended.leave()
            return ended is not None
        if known is not None and not (isinstance(known, _FarTape) and known.is_free):
            return False
        if isinstance(known, _FarTape):
            known.leave()
        of_session[run] = tape = _FarTape(session, run, replays)
        if len(of_session) > REMEMBERED:
            of_session.pop(next(iter(of_session))).leave()
        recording.set_tape(run, tape)
        return True

    def answered(self, session: Session, asked: Fields) -> None:
        """Take in what was recorded, as a session has it; raises as `begin` does."""
        tape = self._far.get(session, {}).get(asked.id("run"))
        if tape is not None:
            tape.answered(asked.id("ticket"), asked.table("answer"), asked.table("error"))

    def left(self, session: Session) -> None:
        """A client is gone for good."""
        for tape in self._far.pop(session, {}).values():
            tape.leave()


class _FarTape:
    """The tape of a run as a server has it: where the session is that told of it. It is a `Tape`."""

    def __init__(self, session: Session, run: str, replays: bool) -> None:
        self.replays, self.over = replays, False
        self._session: Session | None = session
        self._run = run
        self._asked: dict[str, concurrent.futures.Future[Mapping[str, Any]]] = {}

    async def answer(self, agent: str, asked: recording.Asked) -> Mapping[str, Any]:
        ticket, future = new_id(), concurrent.futures.Future[Mapping[str, Any]]()
        self._asked[ticket] = future
        told = {"op": "ask", "ticket": ticket, **asked.to_dict()}
        _loop.background().post(self._put, agent, told)
        try:
            return await asyncio.wrap_future(future)
        finally:
            self._asked.pop(ticket, None)

    def note(self, agent: str, asked: recording.Asked, answer: Mapping[str, Any]) -> None:
        try:
            entry = recording.Entry.of(agent, 1, asked, answer)
        except ValueError as error:  # the call itself was good
            self.miss(f"the answer to a {recording.WHAT[asked.kind]} by {agent or 'the program'}: {error}")
            return
        line = entry.line().encode()
        size = len(line)
        if many := too_many(line):
            self.miss(
                f"the answer to a {recording.WHAT[asked.kind]} by {agent or 'the program'}: it holds {many}"
            )
            return
        kept = entry.answer if size <= recording.LONGEST else recording.too_large(entry.answer, size)
        told = {"op": "note", **entry.asked.to_dict(), "answer": dict(kept)}
        _loop.background().post(self._put, entry.agent, told)

    def miss(self, what: str) -> None:
        log.warning("not recorded: %s", what)
        _loop.background().post(self._put, "", {"op": "miss", "what": well_formed(what[:LONGEST_TEXT])})

    def end(self, state: str) -> tuple[str, ...]:
        return ()

    def answered(self, ticket: str, answer: Mapping[str, Any], error: Mapping[str, Any]) -> None:
        future = self._asked.pop(ticket, None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        if error:
            text, hint = (str(error.get(key) or "")[:LONGEST_TEXT] for key in ("message", "hint"))
            future.set_exception(ReplayMismatchError(text, hint=hint or None))
        else:
            future.set_result(answer)

    @property
    def is_free(self) -> bool:
        """Is nobody there who would hear of it?"""
        return self._session is None or self._session.closed or self._session.connection is None

    def leave(self) -> None:
        """Let go of the session; what is still asked in a replay fails from now on."""
        self.over, self._session = True, None
        asked, self._asked = self._asked, {}
        for future in asked.values():
            if future.set_running_or_notify_cancel():
                future.set_exception(_gone())

    def _put(self, agent: str, told: Mapping[str, Any]) -> None:
        if self._session is None or self._session.closed:
            self.leave()
            return
        data = pb.Payload(data=json.dumps(told, ensure_ascii=False, allow_nan=False).encode())
        event = pb.Event(kind=TAPE, run=self._run, agent=recording.name_in(agent), data=data)
        self._session.writer.put(pb.Frame(event=event))


def _gone() -> ReplayMismatchError:
    return ReplayMismatchError(
        "whoever replays this run has left, and its recording with it; nobody else is asked",
        hint="run the cell again",
    )
