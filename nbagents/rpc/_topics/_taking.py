"""`Taking`: the messages that a worker is given, each handled in a task of its own, each with one outcome."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from itertools import chain, repeat
from typing import Any

from ... import context, events
from ...exceptions import CallCancelledError, CallTimeoutError, NbAgentsError, ProtocolError, UsageError
from ...runtime import Hold, Residents, enter_turns, leave_holds
from ...topics import AgentId, CancellationToken, MessageContext, TopicId
from .._admission import approve_of
from .._faults import encode_error
from .._printable import printable
from .._proto import agent_pb2 as pb
from ._line import Line
from ._seen import seen, traceparent_of
from ._sending import cost
from ._values import Values

__all__ = ["Taking"]

log = logging.getLogger(__name__)
DRAIN_SECONDS = 30.0
"""How long a worker that stops waits for its handlers."""


class _Taken:
    """A message that is being handled."""

    __slots__ = (
        "ahead", "direct", "holds", "line", "more", "number", "task", "timer", "token", "why",
    )  # fmt: skip

    def __init__(self, line: Line, post: pb.Post) -> None:
        self.line, self.number = line, post.id
        self.direct = post.HasField("agent")
        self.token = CancellationToken()
        self.ahead: int = post.ahead
        """How many bytes it may stream before more are read."""
        self.more = asyncio.Event() if post.ahead else None
        """Set when more were read; None where nobody says."""
        self.holds: tuple[Hold, ...] = ()
        """The turns in other workers that wait for it."""
        self.task: asyncio.Task[pb.Value] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.why: NbAgentsError | None = None
        """Why its handler was ended, once it was."""


_here: ContextVar[_Taken | None] = ContextVar("nbagents_taken", default=None)
"""The message whose handler runs here."""


class Taking:
    """What one worker has been given and has not answered. On the background loop only."""

    def __init__(self, residents: Residents, values: Values) -> None:
        self._residents, self._values = residents, values
        self._taken: dict[tuple[Line, int], _Taken] = {}

    def __len__(self) -> int:
        return len(self._taken)

    def post(self, line: Line, post: pb.Post) -> None:
        """Begin to handle a message; never raises what a handler does.

        Raises:
            ProtocolError: it is for nobody.
        """
        where = post.WhichOneof("to")
        if where is None:
            raise ProtocolError(f"the agent server {line.who} sent a message that is for nobody")
        taken = self._taken[line, post.id] = _Taken(line, post)
        loop = asyncio.get_running_loop()
        work = self._answer(taken, post) if where == "agent" else self._spread(taken, post)
        taken.task = loop.create_task(work)
        taken.task.add_done_callback(partial(self._over, taken, post))
        if post.timeout_ms and taken.direct:  # of a topic's, it is how long its publisher waits for the host
            taken.timer = loop.call_later(post.timeout_ms / 1000, self._late, taken, post.timeout_ms / 1000)

    def withdrawn(self, line: Line, number: int) -> None:
        """Nobody waits for this outcome any more: its handler is stopped, as in one process."""
        taken = self._taken.get((line, number))
        if taken is not None:
            self._stop(taken, _unwanted())

    def more(self, line: Line, number: int, size: int) -> None:
        """So many bytes of what this one streams were read."""
        taken = self._taken.get((line, number))
        if taken is not None and taken.more is not None:
            taken.ahead += size
            taken.more.set()

    def ended(self, line: Line) -> None:
        """The host is gone, and nobody waits for replies to what came from it."""
        here = _here.get()  # a handler that stops its own worker is to end that in peace
        for taken in [*self._taken.values()]:
            if taken.line is line and taken.direct and taken is not here:
                self._stop(taken, _unwanted())

    async def drained(self) -> None:
        """Wait until all is handled, but for the handler that waits here; what takes too long is ended."""
        here = _here.get()
        tasks = [taken.task for taken in self._taken.values() if taken.task is not None and taken is not here]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        for taken in [*self._taken.values()]:
            if taken.task in late:
                self._stop(taken, CallCancelledError("the worker was stopped, and its handler took too long"))
        if late:
            await asyncio.wait(late, timeout=1.0)

    def _late(self, taken: _Taken, seconds: float) -> None:
        self._stop(taken, CallTimeoutError(f"the handler was not done within {seconds:.3g} s, and was ended"))

    def _stop(self, taken: _Taken, why: NbAgentsError) -> None:
        taken.why = why
        taken.token.cancel()
        if taken.task is not None:
            taken.task.cancel()

    # ---- direct messages

    async def _answer(self, taken: _Taken, post: pb.Post) -> pb.Value:
        self._enter(taken, post)
        recipient = AgentId(post.agent.type, post.agent.key)
        if post.method:
            return await self._asked(recipient, post)
        ctx = MessageContext(_sender(post), None, True, taken.token, post.message_id)
        on_chunk = self._chunks(taken) if post.stream else None
        message = self._values.decode(post.body)
        reply = await self._handle(message, recipient, ctx, post, on_chunk)
        if taken.line.full:
            await taken.line.room()
        try:
            return self._values.encode(reply)
        except NbAgentsError as unfit:
            raise type(unfit)(
                f"the reply of {recipient}, a {type(reply).__name__}, cannot travel: {unfit}", hint=unfit.hint
            ) from None

    async def _handle(
        self, message: Any, recipient: AgentId, ctx: MessageContext, post: pb.Post, on_chunk: Any = None
    ) -> Any:
        began, error = time.monotonic(), None
        try:
            return await self._residents.handle(message, recipient, ctx, on_chunk=on_chunk)
        except BaseException as failure:
            error = failure
            raise
        finally:
            if events.active():
                sender, seconds = str(ctx.sender or ""), time.monotonic() - began
                seen("handled", post, str(recipient), sender=sender, seconds=seconds, error=error)

    def _chunks(self, taken: _Taken) -> Callable[[Any], Any]:
        async def on_chunk(value: Any) -> None:
            chunk = self._values.encode(value)
            while taken.more is not None and taken.ahead <= 0:
                taken.more.clear()
                await taken.more.wait()
            if taken.line.full:
                await taken.line.room()
            taken.ahead -= cost(chunk)
            taken.line.put(pb.Frame(outcome=pb.Outcome(id=taken.number, chunk=chunk)))

        return on_chunk

    async def _asked(self, recipient: AgentId, post: pb.Post) -> pb.Value:
        """Do what the runtimes ask of each other's agents."""
        agent = await self._residents.get(recipient)
        found: Mapping[str, Any] | None
        if post.method == "metadata":
            found = agent.metadata
        elif post.method == "save_state":
            found = await agent.save_state()
        elif post.method == "load_state":
            state = self._values.decode(post.body)
            if not isinstance(state, dict):
                raise UsageError(f"the state of {recipient} is no dictionary")
            await agent.load_state(state)
            found = None
        else:
            raise ProtocolError(f"there is no method {printable(post.method, 40)!r} of an agent")
        return self._values.encode(None if found is None else json.loads(json.dumps(dict(found))))

    # ---- topics

    async def _spread(self, taken: _Taken, post: pb.Post) -> pb.Value:
        self._enter(taken, post)
        topic = TopicId(post.topic.type, post.topic.source)
        about: Any = (_sender(post), topic, False, taken.token, post.message_id)
        try:
            message = self._values.decode(post.body)
        except Exception:
            log.exception("a message to the topic %s reached nobody here", printable(post.topic.type, 60))
            raise
        recipients = [AgentId(one.type, one.key) for one in post.recipients]
        if len(recipients) == 1:
            await self._event(message, recipients[0], MessageContext(*about), post)
        else:
            work = (self._event(message, one, MessageContext(*about), post) for one in recipients)
            await asyncio.gather(*work)
        return pb.Value()

    async def _event(self, message: Any, recipient: AgentId, ctx: MessageContext, post: pb.Post) -> None:
        try:
            await self._handle(message, recipient, ctx, post)
        except (Exception, SystemExit, KeyboardInterrupt):  # one agent's failure is none of the others'
            log.exception("%s failed to handle a message to the topic %s", recipient, ctx.topic_id)

    # ----

    def _enter(self, taken: _Taken, post: pb.Post) -> None:
        """Let the handler know what it is a part of; this is its task's own context."""
        _here.set(taken)
        timed = post.timeout_ms if taken.direct else 0
        context.deadline.set(time.monotonic() + timed / 1000 if timed else None)
        context.run.set(post.run)
        context.approve.set(approve_of(post))
        context.traceparent.set(traceparent_of(post))
        names = chain(post.turns, repeat(""))  # a worker in another language may know none
        turns = [(AgentId(one.type, one.key), name) for one, name in zip(post.holding, names, strict=False)]
        taken.holds = enter_turns(turns, partial(self._find_ring, taken))
        self._residents.spans.arrive(context.traceparent.get())

    async def _find_ring(self, taken: _Taken, waits: Sequence[Hold], behind: Sequence[str]) -> list[str]:
        """Ask the host, which knows what waits in other workers; see `FindRing`."""
        asked = {
            "message": taken.number,
            "waits": [[hold.name, str(hold.agent)] for hold in waits],
            "behind": [[name] for name in behind],
        }
        if not behind:
            taken.line.tell("ring", json.dumps(asked))
            return []
        try:
            found = json.loads((await taken.line.ask("ring", json.dumps(asked))).message)
        except (NbAgentsError, ValueError) as error:
            log.debug("the host could not be asked for a ring: %s", error)
            return []
        return [str(agent) for agent in found] if isinstance(found, list) else []

    def _over(self, taken: _Taken, post: pb.Post, task: asyncio.Task[pb.Value]) -> None:
        """Answer a message whose handler has ended, in whatever way, or has not even begun."""
        if taken.timer is not None:
            taken.timer.cancel()
        self._taken.pop((taken.line, taken.number), None)
        leave_holds(taken.holds)
        outcome, error = pb.Outcome(id=taken.number), None if task.cancelled() else task.exception()
        if task.cancelled():
            error = taken.why or CallCancelledError(f"the handler of {_of(post)} was cancelled")
        elif error is not None and not isinstance(error, Exception):
            text = f"the handler of {_of(post)} tried to end the program ({type(error).__name__})"
            error = CallCancelledError(text)
        if error is not None:
            outcome.error.CopyFrom(_failure(error))
        else:
            outcome.done.CopyFrom(task.result())
        if taken.line.error is None:
            with suppress(NbAgentsError):
                taken.line.put(pb.Frame(outcome=outcome))


def _sender(post: pb.Post) -> AgentId | None:
    return AgentId(post.sender.type, post.sender.key) if post.HasField("sender") else None


def _unwanted() -> CallCancelledError:
    return CallCancelledError("nobody waited for the outcome any more")


def _failure(error: BaseException) -> pb.Error:
    """Return an error as it travels; one of ours with the traceback of what it came of."""
    failure = encode_error(error)
    if not failure.traceback and error.__cause__ is not None:
        failure.traceback = encode_error(error.__cause__).traceback
    return failure


def _of(post: pb.Post) -> str:
    if post.HasField("topic"):
        return f"topic {printable(post.topic.type, 60)}"
    return f"{printable(post.agent.type, 60)}/{printable(post.agent.key, 60)}"
