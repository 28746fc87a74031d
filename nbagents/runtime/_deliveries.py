"""`Deliveries`: the queue of one runtime, and the handlers that run for what was in it. On one loop only."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any

from .. import context, events
from ..exceptions import (
    CallCancelledError,
    CallTimeoutError,
    MessageDroppedException,
    OverloadedError,
    UndeliverableException,
)
from ..topics import AgentId, MessageContext, SubscriptionBook, Traffic, handling
from ._envelopes import Direct, Published
from ._intervention import Interventions
from ._residents import Residents

__all__ = ["Deliveries"]

log = logging.getLogger(__name__)

STARTING = 5.0
"""Seconds that a direct message waits for its runtime to be started."""
ROOM_TIMEOUT = 30.0
"""Seconds that a message waits for room."""
INSIDE = 10
"""How many times as much room there is for messages of handlers: these hold what they would wait for."""
LOOK = 0.05
"""Seconds between two looks at a condition of somebody's own."""
CANCELLING = 1.0
"""Seconds that handlers may take to end once they are cancelled."""

Envelope = Direct | Published
_intervening: ContextVar[bool] = ContextVar("nbagents_intervening", default=False)
"""Does an intervention handler run here? The queue waits for it, so what it sends must not enter it."""


class Deliveries:
    """Takes envelopes, in their order, and has each handled in a task of its own.

    While it runs and nobody intervenes, a message that finds the queue empty does not enter it.
    """

    def __init__(
        self, residents: Residents, book: SubscriptionBook, interventions: Interventions, room: int
    ) -> None:
        self._residents, self._book, self._interventions = residents, book, interventions
        self._room = room
        self._queue: deque[Envelope] = deque()
        self._tasks: dict[asyncio.Task[Any], tuple[Envelope, AgentId, float]] = {}
        self._seen = 0  # envelopes that intervention handlers look at
        self._looks: set[asyncio.Task[None]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._arrived, self._changed = asyncio.Event(), asyncio.Event()
        self._waiting: deque[asyncio.Future[None]] = deque()  # for room
        self._stopping = False
        self.running = False
        self.closed = False
        self.traffic = Traffic()
        self.failure: BaseException | None = None
        """The first error of a handler of a published message, of which nobody was told."""

    # ---- taking

    async def publish(self, envelope: Published) -> None:
        """Take a published message; return when it is queued."""
        if self._waiting or self.load >= self._room or self.closed:
            await self._wait_for_room(f"topic {envelope.topic}")
        if events.active():
            _tell("sent", envelope, envelope.sender)
        self._post(envelope)

    async def send(self, envelope: Direct, seconds: float | None) -> Any:
        """Take a direct message and return its reply. Whoever stops waiting stops the handler."""
        if envelope.token.is_cancelled():
            raise CallCancelledError(f"the message to {envelope.recipient} was cancelled before it was sent")
        loop = asyncio.get_running_loop()
        forget = envelope.token.add_callback(lambda: _from_anywhere(loop, envelope.cancel))
        overdue = None if self.running else loop.call_later(STARTING, self._not_started, envelope)
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                if self._waiting or self.load >= self._room or self.closed:
                    await self._wait_for_room(str(envelope.recipient), envelope.reply)
                if events.active():
                    _tell("sent", envelope, envelope.sender)
                self._post(envelope)
                return await envelope.reply
        except TimeoutError:
            if not limit.expired():
                raise  # the handler's own
            raise CallTimeoutError(f"no reply from {envelope.recipient} within {seconds:g} s") from None
        finally:
            forget()
            if overdue is not None:
                overdue.cancel()
            reply = envelope.reply
            if not reply.done() or reply.cancelled():
                envelope.cancel()
                if envelope.mine:
                    envelope.token.cancel()
            if not reply.cancelled():
                reply.exception()  # whoever sent this has an error of its own

    def _post(self, envelope: Envelope) -> None:
        if self._stopping:
            self._refuse(envelope, _stopped(envelope))
        elif _intervening.get():
            self._look(envelope)
        elif self.running and not self._queue and not self._interventions:
            self._deliver(envelope)
        else:
            envelope.context = contextvars.copy_context()
            self._queue.append(envelope)
            self._arrived.set()

    def _not_started(self, envelope: Direct) -> None:
        if not self.running and envelope in self._queue:
            self._queue.remove(envelope)
            what = (
                f"the message to {envelope.recipient} was not delivered: its runtime was not started within"
            )
            envelope.fail(UndeliverableException(f"{what} {STARTING:g} s", hint="runtime.start()"))
            self._settle()

    async def _wait_for_room(self, where: str, reply: asyncio.Future[Any] | None = None) -> None:
        """Wait for room, or until there is a reply, since the message was cancelled."""
        if self.closed:
            raise UndeliverableException(f"the message for {where} was not delivered: its runtime is closed")
        if handling.get() is not None and self.load < self._room * INSIDE:
            return
        free: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(free)
        if reply is not None:
            reply.add_done_callback(lambda _: None if free.done() else free.set_result(None))
        try:
            async with asyncio.timeout(ROOM_TIMEOUT):
                await free
        except TimeoutError:
            what = f"the message for {where} found no room within {ROOM_TIMEOUT:g} s"
            raise OverloadedError(f"{what}: {self.load:,} are on their way") from None
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(free)
            self._settle()  # there may be room for the next too
        if self.closed:
            raise UndeliverableException(f"the message for {where} was not delivered: its runtime is closed")

    @property
    def load(self) -> int:
        """How many messages are on their way: queued, or being handled."""
        return len(self._queue) + self._seen + len(self._tasks)

    @property
    def queued(self) -> int:
        """How many messages wait to be delivered."""
        return len(self._queue)

    def open(self) -> Counter[str]:
        """Return how many published messages wait or are being handled, by the type of their topic."""
        published = [envelope for envelope in self._queue if isinstance(envelope, Published)]
        published += [envelope for envelope, _, _ in self._tasks.values() if isinstance(envelope, Published)]
        return Counter(envelope.topic.type for envelope in published)

    # ---- delivering

    def start(self) -> None:
        """Deliver what is queued, and what comes."""
        self.running, self.closed = True, False
        self._pump = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            while self._queue:
                await self._next()
            self._arrived.clear()
            await self._arrived.wait()

    async def step(self) -> bool:
        """Deliver one message, or wait a moment for one; return whether there was one."""
        if not self._queue:
            self._arrived.clear()
            try:
                async with asyncio.timeout(STARTING):
                    await self._arrived.wait()
            except TimeoutError:
                return False
        await self._next()
        await asyncio.sleep(0)  # its handler begins
        return True

    async def _next(self) -> None:
        envelope = self._queue.popleft()
        if self._interventions:
            await self._look(envelope)
        else:
            (envelope.context or contextvars.copy_context()).run(self._deliver, envelope)
            self._settle()

    def _look(self, envelope: Envelope) -> asyncio.Task[None]:
        self._seen += 1
        task = asyncio.get_running_loop().create_task(self._intervene(envelope), context=envelope.context)
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)
        return task

    async def _intervene(self, envelope: Envelope) -> None:
        """Let intervention handlers look at a message, then deliver what they leave of it."""
        outer = _intervening.set(True)
        try:
            if isinstance(envelope, Direct):
                seen = _context(envelope)
                envelope.message = await self._interventions.send(envelope.message, seen, envelope.recipient)
            else:
                envelope.message = await self._interventions.publish(envelope.message, _context(envelope))
        except asyncio.CancelledError:
            self._refuse(envelope, _stopped(envelope))
            raise
        except Exception as error:  # noqa: BLE001  # it is the sender's, or logged
            self._refuse(envelope, error)
        else:
            _intervening.reset(outer)
            self._deliver(envelope)
        finally:
            self._seen -= 1
            self._settle()

    def _refuse(self, envelope: Envelope, error: Exception) -> None:
        dropped = isinstance(error, (MessageDroppedException, UndeliverableException))
        if dropped and events.active():
            _tell("dropped", envelope, envelope.sender, why=str(error))
        if isinstance(envelope, Direct):
            envelope.fail(error)
        elif not dropped:
            log.error("an intervention handler failed [topic %s]", envelope.topic, exc_info=error)

    def _deliver(self, envelope: Envelope) -> None:
        """Begin the handlers of a message."""
        handle = self._residents.handle
        if isinstance(envelope, Direct):
            if envelope.reply.done():  # nobody waits for it any more
                return
            put = None if envelope.chunks is None else envelope.chunks.put
            work = handle(envelope.message, envelope.recipient, _context(envelope), on_chunk=put)
            if self._interventions:
                work = self._respond(work, envelope)
            envelope.task = self._begin(work, envelope, envelope.recipient)
            return
        try:
            recipients = self._book.recipients(envelope.topic)
        except Exception:  # somebody's own subscription
            log.exception("a subscription failed, and nobody got the message [topic %s]", envelope.topic)
            return
        begun = 0
        for recipient in recipients:
            if recipient != envelope.sender:
                self._begin(handle(envelope.message, recipient, _context(envelope)), envelope, recipient)
                begun += 1
        self.traffic.count(envelope.topic.type, begun)

    async def _respond(self, work: Coroutine[Any, Any, Any], envelope: Direct) -> Any:
        reply = await work
        return await self._interventions.respond(reply, envelope.recipient, envelope.sender)

    def _begin(
        self, work: Coroutine[Any, Any, Any], envelope: Envelope, recipient: AgentId
    ) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = (envelope, recipient, time.monotonic())
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        envelope, recipient, began = self._tasks.pop(task)
        error = _cancelled(recipient) if task.cancelled() else task.exception()
        if isinstance(envelope, Direct):
            if error is not None and not isinstance(error, Exception):
                error = _ending(recipient, error)
            if not envelope.reply.done():
                if error is None:
                    envelope.reply.set_result(task.result())
                else:
                    envelope.reply.set_exception(error)
        elif error is not None and not task.cancelled():
            topic = envelope.topic
            log.error("Error handling a published message [%s, topic %s]", recipient, topic, exc_info=error)
            self.failure = self.failure or error
        if events.active():
            sender, seconds = _shown(envelope.sender), time.monotonic() - began
            _tell("handled", envelope, recipient, sender=sender, seconds=seconds, error=error)
        self._settle()

    def _settle(self) -> None:
        """Wake those who wait for something to be over."""
        self._changed.set()
        if self._waiting and self.load < self._room:
            free = self._waiting.popleft()
            if not free.done():
                free.set_result(None)

    # ---- ending

    async def idle(self) -> None:
        """Wait until nothing is on its way."""
        while self.load or self._waiting:
            self._changed.clear()
            await self._changed.wait()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until this function returns true; it is called here, often."""
        while not condition():
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._changed.wait()

    async def stop(self, grace: float) -> None:
        """Drop what is queued, give the handlers that run so many seconds, and cancel those left."""
        self.running, self._stopping = False, True
        try:
            self.refuse_all()
            if self._pump is not None:
                self._pump.cancel()
                await asyncio.wait([self._pump], timeout=CANCELLING)
                self._pump = None
            me = asyncio.current_task()
            left = {task for task in (*self._tasks, *self._looks) if task is not me}
            if left and grace > 0:
                _, left = await asyncio.wait(left, timeout=grace)
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=CANCELLING)
            for envelope, recipient, _ in [*self._tasks.values()]:  # those that do not let themselves be
                if isinstance(envelope, Direct) and envelope.task is not me:
                    envelope.fail(_cancelled(recipient))
        finally:
            self._stopping = False

    def refuse_all(self) -> None:
        """End what is queued without delivering it."""
        while self._queue:
            envelope = self._queue.popleft()
            self._refuse(envelope, _stopped(envelope))
        self._settle()


def _context(envelope: Envelope) -> MessageContext:
    if isinstance(envelope, Direct):
        return MessageContext(envelope.sender, None, True, envelope.token, envelope.id)
    return MessageContext(envelope.sender, envelope.topic, False, envelope.token, envelope.id)


def _stopped(envelope: Envelope) -> UndeliverableException:
    where = envelope.recipient if isinstance(envelope, Direct) else f"topic {envelope.topic}"
    return UndeliverableException(f"the message for {where} was not delivered: its runtime was stopped")


def _cancelled(recipient: AgentId) -> CallCancelledError:
    return CallCancelledError(f"the handler of {recipient} was cancelled")


def _ending(recipient: AgentId, error: BaseException | None) -> CallCancelledError:
    return CallCancelledError(f"the handler of {recipient} tried to end the program ({type(error).__name__})")


def _shown(id: AgentId | None) -> str:
    return "" if id is None else str(id)


def _tell(kind: str, envelope: Envelope, agent: AgentId | None, **data: Any) -> None:
    data |= {"type": type(envelope.message).__name__, "message": envelope.id}
    if isinstance(envelope, Direct):
        data["recipient"] = str(envelope.recipient)
    else:
        data["topic"] = str(envelope.topic)
    if kind == "sent" and agent is None and (frame := context.frame.get()) is not None:
        data["caller"] = frame.agent_name
    events.publish(events.Event(kind, agent=_shown(agent), run=context.run.get(), data=data))


def _from_anywhere(loop: asyncio.AbstractEventLoop, fn: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
        loop.call_soon_threadsafe(fn)
