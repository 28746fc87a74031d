"""`Scheduler`: issues calls, keeps their order, runs them one at a time per agent, and lets callers wait.

An agent is an actor. A call is queued in the agent's mailbox at the place that blocking code would
have given it, waits until the placeholders among its arguments have arrived, runs, and settles
exactly once. All state changes on the background loop, so there are no locks.

A call whose chain already holds the agent goes to the inner queue of the call that holds it, which
is served only while that call waits for a message, or after it. Calls to agents of another process
are handed to their `Remote` in order, at once, placeholders and all.
"""

from __future__ import annotations

import contextvars
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from .. import _loop, _ports, context
from .._ids import PROCESS
from ..events import wanted
from ..exceptions import DeadlockError
from ..message import Msg, PlaceholderMessage, Promise
from ._arguments import promises, resolved, snapshot
from ._bodies import Bodies
from ._call import ENDED, QUEUED, RUNNING, Call, current_call, mark_open, mark_over, peek
from ._deadlock import untie
from ._hooks import hooked
from ._keeping import answered, kept
from ._mailbox import Mailbox
from ._patience import Patience
from ._rings import Rings
from ._spread import observed, spread
from ._stopped import without_stopped
from ._stops import Stops
from ._tell import tell
from ._threads import WorkerThreads
from ._watchdog import Watchdog

__all__ = ["Scheduler", "scheduler", "settled"]

MAX_DEPTH = 10_000
"""Calls inside calls; deeper is taken for an endless recursion."""


class Scheduler(Patience):
    """The mailboxes' clockwork, one per process. `issue` and `broadcast` are safe from any thread."""

    def __init__(self) -> None:
        super().__init__(_loop.background())
        self._bare = contextvars.Context()
        """What a call from outside knows of its surroundings: nothing."""
        self.counter = itertools.count(1)
        self.live: dict[str, Call] = {}
        self.threads = WorkerThreads(self.post)
        self.bodies = Bodies(self.loop, self.threads, self.post, self._over)
        self.stops = Stops(self)
        self.rings = Rings(self)
        self.watchdog = Watchdog(self.background)
        self.observing: set[Call] = set()
        """Observes that run an agent's own code and are not over."""

    # ---- issuing

    def issue(
        self,
        agent: Any,
        fn: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None = None,
        *,
        kind: str = "call",
        method: str = "",
        hold: Iterable[Any] = (),
    ) -> PlaceholderMessage:
        """Make a call and return its placeholder at once, with an observe for each listener behind it.

        ``hold`` names agents that keep their later messages back until this call is done.

        Raises:
            RecursionError: agents call each other too deep.
            CallCancelledError, CallTimeoutError: the calling body was ended; this is where it notices.
        """
        parent = current_call()
        if parent is None:
            _ports.traced()
            path, client = self.next_path(), PROCESS
        else:
            if (stopped := parent.stopped()) is not None:
                raise stopped
            if len(parent.path) >= MAX_DEPTH:
                raise RecursionError("agents call each other too deep")
            path, client = parent.next_path(), parent.client
        args, words = tuple(map(snapshot, args)), kwargs or {}
        if kwargs:
            words = {key: snapshot(value) for key, value in kwargs.items()}
        call = Call(
            self,
            agent,
            fn,
            args,
            words,
            kind=kind,
            parent=parent,
            path=path,
            client=client,
            method=method,
            ctx=contextvars.copy_context(),
            needs=promises(args[0] if len(args) == 1 and not words else (args, words)),
        )
        message = PlaceholderMessage.of(call)
        speaks = agent is not None and kind == "call" and method != "_revise"
        listeners = peek(agent, "_audience_at")(path) if speaks else ()
        if listeners or hold:
            after, needs = self.next_path(parent), (call,)
            batch = [call]
            batch += [self.follow(o, message, "observe", parent, after, client, needs) for o in listeners]
            batch += [self.follow(h, message, "hold", parent, after, client, needs) for h in hold]
            self.post(self.submit, batch)
        else:
            self.post(self.submit_one, call)
        return message

    def broadcast(self, message: Any, agents: Sequence[Any]) -> PlaceholderMessage:
        """Let agents observe one message, at this place in the program.

        The placeholder that it returns arrives when all of them have. A server gets the message once.
        """
        parent = current_call()
        path, message = self.next_path(parent), snapshot(message)
        client = parent.client if parent is not None else PROCESS
        needs = promises(message)
        if len(agents) == 1:
            call = self.follow(agents[0], message, "observe", parent, path, client, needs)
            self.post(self.submit_one, call)
            return PlaceholderMessage.of(call)
        whole = self.follow(None, message, "observe", parent, path, client, needs)
        agents = list(agents)
        for agent in agents:
            mark_open(agent, whole.id)
        self.post(spread, self, whole, agents)
        return PlaceholderMessage.of(whole)

    def follow(
        self,
        agent: Any,
        message: Any,
        kind: str,
        parent: Call | None,
        path: tuple[int, ...],
        client: str,
        needs: tuple[Promise, ...],
        chain: tuple[str, ...] = (),
        key: str | None = None,
    ) -> Call:
        """Make what follows a call: an observe, or a hold."""
        method = "_observe" if kind == "observe" else "_hold"
        what: Any = {"kind": kind, "method": method, "needs": needs, "key": key}
        call = Call(self, agent, None, (message,), {}, parent=parent, path=path, client=client, **what)
        if chain:
            call.chain = chain
        return call

    def next_path(self, parent: Call | None = None) -> tuple[int, ...]:
        """Return the place of the next call that the running code makes."""
        parent = parent or current_call()
        return parent.next_path() if parent is not None else (next(self.counter),)

    def admit(self, call: Call, *, run: str, workspace: str, timeout: float | None, span: str = "") -> None:
        """Queue a call that came over the wire. On the loop only."""
        call.run, call.workspace = run, workspace
        call.deadline = None if timeout is None else time.monotonic() + timeout
        call.context = ctx = self._bare.copy()
        if run:
            ctx.run(context.run.set, run)
        if workspace:
            ctx.run(context.workspace.set, workspace)
        if span:
            ctx.run(context.traceparent.set, span)
        if call.approve:
            ctx.run(context.approve.set, call.approve)
        if timeout is not None:
            ctx.run(context.deadline.set, call.deadline)
        self.submit_one(call)

    def submit(self, batch: Iterable[Call]) -> None:
        """Queue calls. On the loop only."""
        for call in batch:
            self.submit_one(call)

    def submit_one(self, call: Call) -> None:
        """Queue a call. On the loop only."""
        parent = call.parent
        if parent is not None:
            if call.kind == "call" and not parent.done:
                parent.children = parent.children or set()
                parent.children.add(call)
            if parent.deadline is not None:
                call.deadline = min(parent.deadline, call.deadline or parent.deadline)
        if call.kind == "call":
            self.live[call.id] = call
            if wanted(call):
                tell("queued", call)
            if (call.deadline is not None or (parent is not None and parent.done)) and self.stops.late(call):
                return
        elif call.kind == "observe" and call.remote is None and not peek(call.agent, "_observes_inline"):
            self.observing.add(call)
        if call.remote is not None:
            call.remote.send(call)
        elif not (call.key and answered(call)):
            self._enqueue(call)

    def _enqueue(self, call: Call) -> None:
        mailbox: Mailbox = peek(call.agent, "_mailbox") if call.agent is not None else Mailbox()
        if mailbox.running is not None:
            if call.parent is not None or call.chain:
                holder = call.holder_of(call.agent)
                if holder is not None:
                    mailbox = holder.inner = holder.inner or Mailbox(holder)
        elif not mailbox.queue:  # an agent's own, and idle
            if call.kind == "call" and not call.needs and not call.done:
                call.mailbox = mailbox
                self._start(mailbox, call)
                return
            mailbox.head = call  # nobody can wait for it yet: no ring to look for, however long its ancestry
        mailbox.put(call)
        self.pump(mailbox)

    # ---- running

    def pump(self, mailbox: Mailbox) -> None:
        """Run what may run. On the loop only."""
        while mailbox.running is None and mailbox.queue and (mailbox.owner is None or mailbox.open()):
            call = mailbox.queue[0]
            if call.done:
                mailbox.queue.pop(0)
                continue
            waiting = call.pending_need()
            if waiting is not None:
                if self._watch(mailbox, call, waiting):
                    return
                continue
            mailbox.queue.pop(0)
            mailbox.head = None
            failed = call.failed_need()
            if failed is not None and call.kind == "call":
                self.settle(call, None, failed)
            elif failed is not None or call.kind == "hold":
                self.settle(call)  # an observer skips a message that failed, and the hub goes on
            elif call.kind == "observe" and peek(call.agent, "_observes_inline"):
                heard = resolved(without_stopped(call.args[0]))
                error, keeper = observed(call.agent, heard), kept(call.agent)
                if keeper is None or not keeper.observed(error, partial(self.settle, call, None)):
                    self.settle(call, None, error)
            else:
                self._start(mailbox, call)
        if not mailbox.busy():
            while mailbox.idle:
                mailbox.idle.pop()()
            if mailbox.owner is not None and mailbox.owner.state == ENDED:
                self._release(mailbox.owner)

    def _watch(self, mailbox: Mailbox, call: Call, waiting: Any) -> bool:
        """Have the mailbox pumped when the message is there; return whether the call waits for it here."""
        if call.watched is not waiting:
            call.watched = waiting
            # By then the call may have been let in elsewhere.
            waiting.add_done_callback(lambda: self.pump(call.mailbox or mailbox))
        if mailbox.head is not call:  # each time it comes to the head, those behind it wait for its message
            mailbox.head = call
            try:
                untie(self, call)
            except DeadlockError as error:
                self.settle(call, None, error)
        return mailbox.queue[:1] == [call] and not call.done

    def _start(self, mailbox: Mailbox, call: Call) -> None:
        mailbox.running, call.state = call, RUNNING
        if call.kind == "observe":
            call.fn = hooked(call.agent, "observe", type(call.agent).observe.__wrapped__.__get__(call.agent))
        if call.context is None:
            call.context = contextvars.copy_context()
            call.context.run(context.approve.set, call.approve)
        call.context.run(context.frame.set, call)
        if wanted(call):
            tell("started", call)
        try:
            self.bodies.start(call)
        except Exception as error:  # noqa: BLE001  # bad arguments: this call's fault, not the mailbox's
            self._over(call, None, error)

    # ---- ending

    def settle(self, call: Call, value: Any = None, error: BaseException | None = None) -> None:
        """The reply is there, or has failed; counts once. On the loop only."""
        if call.done:
            return
        kind, parent = call.kind, call.parent
        if error is None and type(value) is not Msg and kind == "call" and call.agent is not None:
            try:
                value = peek(call.agent, "_as_message")(value)
            except Exception as raised:  # noqa: BLE001  # what cannot be said fails this call alone
                value, error = None, raised
        call.value, call.error, call.done = value, error, True
        if error is not None:
            call.traceback = error.__traceback__
            self.failed.add(call)
        if parent is not None and parent.children:
            parent.children.discard(call)
        if kind == "observe":
            self.observing.discard(call)
        self.live.pop(call.id, None)
        if kind == "call" and wanted(call):
            tell("done" if error is None else "failed", call)
        if call.ended is not None:
            call.ended(call)
        for fn in call.callbacks:  # never inline: a long chain of dependants must not recurse
            self.loop.call_soon(fn)
        for future in call.waiters:  # these may be set inline: whoever awaits them goes on in the next turn
            if not future.done():
                future.set_result(None)
        call.callbacks = call.waiters = ()
        call.context = None
        if call.state == QUEUED:  # else its body still runs, and `_over` is to come
            if call.agent is not None:
                mark_over(call.agent, call.id)
            call.forget()

    def _over(self, call: Call, value: Any, error: BaseException | None) -> None:
        keeper = kept(call.agent) if call.agent is not None else None
        if keeper is None or not keeper.over(call, value, error, self._close):
            self._close(call, value, error)

    def _close(self, call: Call, value: Any, error: BaseException | None) -> None:
        self.settle(call, value, error)
        self.stops.over(call)
        call.state = ENDED
        if call.agent is not None:
            mark_over(call.agent, call.id)
        if call.inner is not None and call.inner.busy():
            self.pump(call.inner)
        else:
            self._release(call)

    def _release(self, call: Call) -> None:
        call.forget()
        mailbox = call.mailbox
        if mailbox is not None and mailbox.running is call:
            mailbox.running = None
            if mailbox.queue or mailbox.idle or mailbox.owner is not None:
                self.loop.call_soon(self.pump, mailbox)

    def end(self, call: Call, error: BaseException) -> None:
        """Settle a call with an error now, and the calls below it; its agent is free once the body is over.

        On the loop only.
        """
        self.stops.end(call, error)


def settled(agent: Any) -> PlaceholderMessage:
    """Return a placeholder that arrives when the calls made of ``agent`` before this are over. Any thread."""
    return scheduler().issue(agent, None, (), kind="hold", method="_hold")


_scheduler: Scheduler | None = None
_lock = threading.Lock()


def scheduler() -> Scheduler:
    """Return the process's scheduler, made at first use."""
    global _scheduler
    if _scheduler is None:
        with _lock:
            _scheduler = _scheduler or Scheduler()
    return _scheduler


def _forget_after_fork() -> None:
    global _scheduler, _lock
    _scheduler, _lock = None, threading.Lock()  # it belongs to a loop that is not in the child


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
