"""`Taking`: the messages that a worker is given: a task for each recipient, one outcome for each message."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, ContextVar, copy_context
from functools import lru_cache, partial
from itertools import chain, repeat
from typing import Any

from ... import context, events
from ..._deadlines import Deadlines
from ...exceptions import CallCancelledError, CallTimeoutError, NbAgentsError, ProtocolError, UsageError
from ...runtime import Hold, Residents, enter_turns, leave_holds, leave_turns
from ...topics import AgentId, CancellationToken, MessageContext, TopicId
from .._admission import approve_of, traceparent_of
from .._faults import encode_error
from .._printable import printable
from .._proto import agent_pb2 as pb
from ._ahead import cost
from ._line import Line
from ._seen import seen
from ._values import Values

__all__ = ["Taking"]

log = logging.getLogger(__name__)
DRAIN_SECONDS = 30.0
"""How long a worker that stops waits for its handlers."""


class _Taken:
    """A message that is being handled."""

    __slots__ = (
        "ahead", "direct", "holds", "left", "limit", "line", "more", "number", "post", "seconds",
        "tasks", "token", "why",
    )  # fmt: skip

    def __init__(self, line: Line, post: pb.Post) -> None:
        self.line, self.post, self.number = line, post, post.id
        self.direct = post.HasField("agent")
        self.token = CancellationToken()
        self.ahead: int = post.ahead
        """How many bytes it may stream before more are read."""
        self.more = asyncio.Event() if self.ahead else None
        """Set when more were read; None where nobody says."""
        self.holds: tuple[Hold, ...] = ()
        """The turns in other workers that wait for it."""
        self.tasks: list[asyncio.Task[None]] = []
        """Of its handlers, one for each recipient."""
        self.left = 0
        """How many of them have not ended."""
        # Of a topic's message it is how long its publisher waits for the host.
        milliseconds = post.timeout_ms if self.direct else 0
        self.seconds = milliseconds / 1000 if milliseconds else math.inf
        self.limit = time.monotonic() + self.seconds
        self.why: NbAgentsError | None = None
        """Why its handlers were ended, once they were."""


_id = lru_cache(maxsize=4096)(AgentId)
"""The same few agents get and send most messages."""
_topic = lru_cache(maxsize=4096)(TopicId)
_here: ContextVar[tuple[_Taken, int] | None] = ContextVar("nbagents_handler", default=None)
"""The handler that runs here, or asks for what does: its message, and which of its tasks."""


class Taking:
    """What one worker has been given and has not answered. On the background loop only."""

    def __init__(self, residents: Residents, values: Values) -> None:
        self._residents, self._values = residents, values
        self._taken: dict[tuple[Line, int], _Taken] = {}
        self._deadlines = Deadlines(self._taken.values, self._late)

    def __len__(self) -> int:
        return len(self._taken)

    def post(self, line: Line, post: pb.Post) -> None:
        """Begin to handle a message; never raises what a handler does.

        Raises:
            ProtocolError: it is for nobody.
        """
        taken = _Taken(line, post)
        if not taken.direct and not post.HasField("topic"):
            raise ProtocolError(f"the agent server {line.who} sent a message that is for nobody")
        self._taken[line, taken.number] = taken
        if taken.limit < math.inf:
            self._deadlines.add(taken.limit)
        around = copy_context()
        try:
            around.run(self._enter, taken)
            if taken.direct:
                work = self._answer(taken)
                taken.tasks = [asyncio.get_running_loop().create_task(work, context=around)]
            else:
                self._spread(taken, around)
        except Exception as error:  # also a serializer's own
            if not taken.direct:
                log.exception("a message to the %s reached nobody here", _of(post))
            self._over(taken, pb.Frame(), error)

    def withdrawn(self, line: Line, withdraw: pb.Withdraw) -> None:
        """Nobody waits for an outcome any more: its handler is stopped, as in one process."""
        taken = self._taken.get((line, withdraw.id))
        if taken is not None:
            self._stop(taken, _unwanted())

    def more(self, line: Line, more: pb.More) -> None:
        """So many bytes of what a message's handler streams were read."""
        taken = self._taken.get((line, more.id))
        if taken is not None and taken.more is not None:
            taken.ahead += more.bytes
            taken.more.set()

    def ended(self, line: Line) -> None:
        """The host is gone, and nobody waits for replies to what came from it."""
        here = _handler()  # one that stops its own worker is to end that in peace
        for taken in [*self._taken.values()]:
            if taken.line is line and taken.direct and here not in taken.tasks:
                self._stop(taken, _unwanted())

    async def drained(self) -> None:
        """Wait until all is handled, but for the handler that waits here; what takes too long is ended."""
        here = _handler()
        tasks = [task for taken in self._taken.values() for task in taken.tasks if task is not here]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        for taken in [*self._taken.values()]:
            if not late.isdisjoint(taken.tasks):
                why = CallCancelledError("the worker was stopped, and its handler took too long")
                self._stop(taken, why, but=here)
        if late:
            await asyncio.wait(late, timeout=1.0)

    def _late(self, taken: _Taken) -> None:
        text = f"the handler was not done within {taken.seconds:.3g} s, and was ended"
        self._stop(taken, CallTimeoutError(text))

    def _stop(self, taken: _Taken, why: NbAgentsError, *, but: asyncio.Task[Any] | None = None) -> None:
        taken.why, taken.limit = why, math.inf
        taken.token.cancel()

        def ended(_: object) -> None:  # also those that had not begun
            if all(task.done() for task in taken.tasks):
                self._over(taken, pb.Frame(), why)

        for task in taken.tasks:
            task.add_done_callback(ended)
            if task is not but:
                task.cancel()

    # ---- direct messages

    async def _answer(self, taken: _Taken) -> None:
        frame = pb.Frame()
        _here.set((taken, 0))
        try:
            await self._reply(taken, frame.outcome.done)
        except BaseException as error:  # noqa: BLE001  # it is the sender's
            self._over(taken, frame, error)
        else:
            self._over(taken, frame, None)

    async def _reply(self, taken: _Taken, done: pb.Value) -> None:
        post, values = taken.post, self._values
        agent = post.agent
        recipient = _id(agent.type, agent.key)
        if post.method:
            values.encode(await self._asked(recipient, post), done)
            return
        ctx = MessageContext(_sender(post), None, True, taken.token, post.message_id)
        on_chunk = self._chunks(taken) if post.stream else None
        message, began = values.decode(post.body), time.monotonic()
        try:
            reply = await self._residents.handle(message, recipient, ctx, on_chunk=on_chunk)
        except BaseException as error:
            if events.active():
                _tell(post, recipient, began, error)
            raise
        if events.active():
            _tell(post, recipient, began, None)
        line = taken.line
        if line.full:
            await line.room()
        try:
            values.encode(reply, done)
        except NbAgentsError as unfit:
            raise type(unfit)(
                f"the reply of {recipient}, a {type(reply).__name__}, cannot travel: {unfit}", hint=unfit.hint
            ) from None

    def _chunks(self, taken: _Taken) -> Callable[[Any], Any]:
        async def on_chunk(value: Any) -> None:
            frame = pb.Frame(outcome=pb.Outcome(id=taken.post.id))
            self._values.encode(value, frame.outcome.chunk)
            while taken.more is not None and taken.ahead <= 0:
                taken.more.clear()
                await taken.more.wait()
            if taken.line.full:
                await taken.line.room()
            taken.ahead -= cost(frame.outcome.chunk)
            taken.line.put(frame)

        return on_chunk

    async def _asked(self, recipient: AgentId, post: pb.Post) -> Any:
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
        return None if found is None else json.loads(json.dumps(dict(found)))

    # ---- topics

    def _spread(self, taken: _Taken, around: Context) -> None:
        """Have each recipient handle a topic's message, which is read once for all."""
        post, token = taken.post, taken.token
        sender, topic, name = _sender(post), _topic(post.topic.type, post.topic.source), post.message_id
        message, recipients = (
            self._values.decode(post.body),
            [_id(one.type, one.key) for one in post.recipients],
        )
        if not recipients:
            self._over(taken, _handled(), None)
            return
        taken.left, begin = len(recipients), asyncio.get_running_loop().create_task
        for place, recipient in enumerate(recipients):
            ctx = MessageContext(sender, topic, False, token, name)
            work = self._event(taken, place, message, recipient, ctx)
            taken.tasks.append(begin(work, context=around.copy()))

    async def _event(
        self, taken: _Taken, place: int, message: Any, recipient: AgentId, ctx: MessageContext
    ) -> None:
        began = time.monotonic()
        error: BaseException | None = None
        _here.set((taken, place))
        try:
            await self._residents.handle(message, recipient, ctx)
        except asyncio.CancelledError as stopped:
            error = stopped
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as failure:  # one agent's is none of the others'
            error = failure
            log.exception("%s failed to handle a message to the topic %s", recipient, ctx.topic_id)
        finally:
            if events.active():
                _tell(taken.post, recipient, began, error)
            taken.left -= 1
            if not taken.left:
                self._over(taken, _handled(), taken.why)

    # ----

    def _enter(self, taken: _Taken) -> None:
        """Let the handlers know what they are a part of; this is their tasks' own context."""
        post, run = taken.post, taken.post.run
        limit = taken.limit if taken.limit < math.inf else None
        approve = approve_of(post) if run or post.HasField("approve") else None
        span = traceparent_of(post) if post.metadata else ""
        # What is so already is not set: each setting copies a part of the context.
        if context.deadline.get() != limit:
            context.deadline.set(limit)
        if context.run.get() != run:
            context.run.set(run)
        if context.approve.get() != approve:
            context.approve.set(approve)
        if context.traceparent.get() != span:
            context.traceparent.set(span)
        if post.holding:
            names = chain(post.turns, repeat(""))  # a worker in another language may know none
            turns = [(_id(one.type, one.key), name) for one, name in zip(post.holding, names, strict=False)]
            taken.holds = enter_turns(turns, partial(self._find_ring, taken))
        else:
            leave_turns()
        spans = self._residents.spans
        if spans.on:
            spans.arrive(span)

    async def _find_ring(self, taken: _Taken, waits: Sequence[Hold], behind: Sequence[str]) -> list[str]:
        """Ask the host, which knows what waits in other workers; see `FindRing`."""
        asked = {
            "message": taken.post.id,
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

    def _over(self, taken: _Taken, frame: pb.Frame, error: BaseException | None) -> None:
        """Answer a message, once: in ``frame`` there is what its handler has said, unless it has failed."""
        line, number = taken.line, taken.number
        if self._taken.pop((line, number), None) is None:
            return
        if taken.holds:
            leave_holds(taken.holds)
        if isinstance(error, asyncio.CancelledError):
            error = taken.why or CallCancelledError(f"the handler of {_of(taken.post)} was cancelled")
        elif error is not None and not isinstance(error, Exception):
            kind = type(error).__name__
            error = CallCancelledError(f"the handler of {_of(taken.post)} tried to end the program ({kind})")
        frame.outcome.id = number
        if error is not None:
            frame.outcome.error.CopyFrom(_failure(error))
        if line.error is None:
            line.put(frame)


def _handler() -> asyncio.Task[Any] | None:
    """Return the task of the handler that runs here, or asks for what does."""
    here = _here.get()
    return here[0].tasks[here[1]] if here is not None else None


def _tell(post: pb.Post, recipient: AgentId, began: float, error: BaseException | None) -> None:
    sender, seconds = str(_sender(post) or ""), time.monotonic() - began
    seen("handled", post, str(recipient), sender=sender, seconds=seconds, error=error)


def _handled() -> pb.Frame:
    """Return what says that a topic's message was handled, however that went."""
    frame = pb.Frame()
    frame.outcome.done.SetInParent()
    return frame


def _sender(post: pb.Post) -> AgentId | None:
    return _id(post.sender.type, post.sender.key) if post.HasField("sender") else None


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
