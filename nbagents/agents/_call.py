"""`Call`: one message on its way to one agent, and the promise of its reply."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol

from .. import context
from .._ids import new_id, next_call_id
from ..exceptions import CallCancelledError, CallStoppedError, CallTimeoutError
from ._key import key_below
from ._stopped import ended_because, spared

if TYPE_CHECKING:
    import asyncio
    from contextvars import Context

    from ..message import Promise
    from ._mailbox import Mailbox
    from ._printed import Printed
    from ._scheduler import Scheduler

__all__ = [
    "ENDED",
    "QUEUED",
    "RUNNING",
    "Call",
    "Remote",
    "Way",
    "current_call",
    "mark_open",
    "mark_over",
    "peek",
]

QUEUED, RUNNING, ENDED = range(3)


peek: Callable[[Any, str], Any] = object.__getattribute__
"""Reads an attribute of an agent as it is: nothing waits, and nothing is asked whether it should."""


class Remote:
    """The way to an agent that lives in another process; the wire implements it."""

    def send(self, call: Call) -> None:
        """Send a call there. On the loop; must not wait."""
        raise NotImplementedError

    def cancel(self, call: Call) -> None:
        """Tell the other side that nobody wants this call any more. On the loop; must not wait."""
        raise NotImplementedError

    def interrupt(self, said: list[Any]) -> None:
        """Break off over there what the agent is at; ``said`` are messages as JSON. On the loop."""
        raise NotImplementedError

    async def chase(self, call_id: str, trail: list[dict[str, Any]], round_: str) -> dict[str, Any] | None:
        """Ask over there which ring of waiting calls a call closes, if one; see `Rings`. On the loop."""
        return None

    def lost(self, call: Call, *, begun: bool) -> bool:
        """Keep a call whose server died, to send it again; False if it ends here. On the loop.

        ``begun`` says that the server may have known of it.
        """
        return False

    def way(self) -> Way | None:
        """Return what it shares with the other agents of its process; None where it must go alone."""
        return None


class Way(Protocol):
    """The way to another process, shared by the agents that live there."""

    def send_all(self, call: Call, remotes: Sequence[Any]) -> None:
        """Send one call to several agents there. On the loop; must not wait."""


def mark_open(agent: Any, call_id: str) -> None:
    """Note that an agent has something to do, so that whoever reads its data waits. Any thread."""
    own = peek(agent, "__dict__")
    open_calls = own.get("_open")
    if open_calls is None:
        open_calls = own.setdefault("_open", {})
    open_calls[call_id] = get_ident()


def mark_over(agent: Any, call_id: str) -> None:
    """Note that this is over. Twice is fine."""
    open_calls = peek(agent, "__dict__").get("_open")
    if open_calls:
        open_calls.pop(call_id, None)


class Call:
    """One call, observe or hold; the promise behind a `PlaceholderMessage`.

    ``path`` is the call's place in the equivalent blocking program, its caller's path and a
    counter; mailboxes are sorted by it among the calls of one ``client``. A hold does nothing: it
    keeps later messages back until its argument has arrived. ``needs`` are the promises among its
    arguments. All fields but ``read`` change on the background loop only.
    """

    # What every call has is in slots: a dictionary of more than 30 names takes 1.6 KiB for each. What most
    # calls never set stands in the class, once: a call is made often, and most are short.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "agent",
        "agent_name",
        "approve",
        "args",
        "callbacks",
        "client",
        "context",
        "deadline",
        "done",
        "ended",
        "error",
        "fn",
        "id",
        "kind",
        "kwargs",
        "mailbox",
        "method",
        "needs",
        "origin",
        "parent",
        "path",
        "read",
        "remote",
        "run",
        "scheduler",
        "state",
        "task",
        "traceback",
        "value",
        "waiters",
        "workspace",
    )
    callbacks: tuple[Callable[[], object], ...] | list[Callable[[], object]]
    ended: Callable[[Call], object] | None
    """Called once on the loop, inline, when it is settled; must neither raise nor settle other calls."""
    error: BaseException | None
    mailbox: Mailbox | None
    origin: Any
    """Who asked for it over the wire, for it and for what it calls; hears its events, see `events.Hearer`."""
    remote: Remote | None
    task: asyncio.Task[Any] | None
    traceback: Any
    value: Any
    waiters: tuple[asyncio.Future[None], ...] | list[asyncio.Future[None]]

    parent_id = ""
    chain: tuple[str, ...] = ()
    key = ""
    """The same for each attempt at one piece of work; "" where it is not marked as safe to repeat."""
    attempts = 1
    asked: dict[bytes, int] | None = None
    """How often its body has asked what of whom; for the keys of these calls, see `key_below`."""
    count = 0
    waits: tuple[Call, ...] | list[Call] = ()
    inner: Mailbox | None = None
    children: set[Call] | None = None
    watched: Any = None
    limit = math.inf
    """The moment of ``time.monotonic`` at which it is ended, with what grace it has; see `Stops`."""
    thread = 0
    """The thread that runs its body, by its ident, if one does."""
    interrupted: Callable[..., Any] | None = None
    """Makes the reply in place of its body, which was interrupted; takes the same arguments."""
    printed: Printed | None = None
    """What was printed below it, if it is an outermost call; see `Listener`."""

    def __init__(
        self,
        scheduler: Scheduler,
        agent: Any,
        fn: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        kind: str,
        parent: Call | None,
        path: tuple[int, ...],
        client: str,
        method: str = "",
        ctx: Context | None = None,
        call_id: str | None = None,
        needs: tuple[Promise, ...] = (),
        key: str | None = None,
    ) -> None:
        self.scheduler, self.agent, self.fn, self.args, self.kwargs = scheduler, agent, fn, args, kwargs
        self.kind, self.parent, self.path, self.client = kind, parent, path, client
        self.method, self.context, self.needs = method, ctx, needs
        if call_id is None:
            self.id = next_call_id()
            self.run, self.workspace = context.run.get(), context.workspace.get()
            self.deadline, self.approve = context.deadline.get(), context.approve.get()
        else:  # it comes from elsewhere: what holds for it comes with it
            self.id, self.run, self.workspace = call_id, "", ""
            self.deadline = self.approve = None
        self.state, self.done, self.read = QUEUED, False, False
        self.value = self.error = self.traceback = self.ended = None
        self.mailbox = self.task = self.remote = self.origin = None
        self.callbacks = self.waiters = ()
        if parent is not None:
            self.parent_id, self.origin = parent.id, parent.origin
        if agent is not None:
            own = peek(agent, "__dict__")
            self.agent_name = str(own["name"]) if "name" in own else type(agent).__name__
            remote = own.get("_remote")
            if remote is not None:
                self.remote = remote
            mark_open(agent, self.id)
        else:
            self.agent_name = type(getattr(fn, "__self__", fn)).__name__
        if key is not None:
            self.key = key
        elif parent is not None and parent.key:
            self.key = key_below(parent, kind, self._whom(), (args, kwargs))
        elif call_id is None and context.retry.get():
            self.key = new_id()

    def _whom(self) -> str:
        """Name its agent as the next attempt will: one that lives in no server is made anew with it."""
        if self.agent is None:
            return self.agent_name
        own = peek(self.agent, "__dict__")
        kept = self.remote is not None or "_kept" in own
        return f"{self.agent_name} {own.get('agent_id', '')}" if kept else self.agent_name

    def label(self) -> str:
        """Say in a few words what this is."""
        return {"observe": f"{self.agent_name} to observe", "hold": f"{self.agent_name} to be free"}.get(
            self.kind, self.agent_name
        )

    def next_path(self) -> tuple[int, ...]:
        """Return the place of the next call that this call's body makes."""
        self.count += 1
        return (*self.path, self.count)

    def stopped(self) -> BaseException | None:
        """Return the error of a call that was ended from outside: cancelled, or past its deadline."""
        return self.error if isinstance(self.error, (CallCancelledError, CallTimeoutError)) else None

    def inner_busy(self) -> bool:
        """Is something of this call's own chain waiting or running in the agent that it holds?"""
        return self.inner is not None and self.inner.busy()

    def holder_of(self, agent: Any) -> Call | None:
        """Return the call of this one's own chain that holds ``agent``, if there is one."""
        call = self.parent
        last = self
        while call is not None:
            if call.agent is agent and call.state == RUNNING:
                return call
            last, call = call, call.parent
        for call_id in reversed(last.chain):  # the part of the chain that came over the wire
            held = self.scheduler.live.get(call_id)
            if held is not None and held.agent is agent and held.state == RUNNING:
                return held
        return None

    def full_chain(self) -> list[str]:
        """Return the ids of the calls that this one descends from, the outermost first."""
        ids: list[str] = []
        call, last = self.parent, self
        while call is not None:
            ids.append(call.id)
            last, call = call, call.parent
        return [*last.chain, *reversed(ids)]

    def pending_need(self) -> Promise | None:
        """Return one of its arguments that has not arrived."""
        for promise in self.needs:
            if not promise.done:
                return promise
        return None

    def failed_need(self) -> BaseException | None:
        """Return why an argument will never arrive, if one will not."""
        for promise in self.needs:
            if promise.error is not None and not self._does_without(promise):
                if isinstance(promise, Call) and self.kind == "call":
                    promise.read = True  # it is carried on by this call
                return promise.error
        return None

    def _does_without(self, promise: Promise) -> bool:
        if not isinstance(promise.error, CallStoppedError):
            return False
        given = [*self.args, *self.kwargs.values()]
        return any(promise is left_out for argument in given for left_out in spared(argument))

    def forget(self) -> None:
        """Let go of what it was made with; else every message would keep the whole conversation before it."""
        self.agent = None
        self.args, self.kwargs, self.fn, self.task, self.needs = (), {}, None, None, ()

    # ---- the promise

    def result(self, timeout: float | None = None) -> Any:
        """Block until the reply is there; see `PlaceholderMessage.result`."""
        __tracebackhide__ = True  # a notebook shows where its own code waited, at once, and not our way there
        self.scheduler.block(self, timeout)
        return self._deliver()

    async def arrive(self) -> Any:
        """Wait until the reply is there, on whichever loop runs here."""
        await self.scheduler.wait_anywhere(self)
        return self._deliver()

    def cancel(self, why: str = "cancelled") -> None:
        """End this call and its children at once. Its agent stays held until its body is over."""
        self.scheduler.post(self.scheduler.end, self, ended_because(self.label(), why))

    def add_done_callback(self, fn: Callable[[], object]) -> None:
        """Call ``fn`` on the loop once this is done, soon, never inline."""
        self.scheduler.post(self.on_done, fn)

    def on_done(self, fn: Callable[[], object]) -> None:
        """Do as `add_done_callback`; on the loop only."""
        if self.done:
            self.scheduler.loop.call_soon(fn)
        elif isinstance(self.callbacks, list):
            self.callbacks.append(fn)
        else:
            self.callbacks = [fn]

    def future(self) -> asyncio.Future[None]:
        """Return a future that is set once this is done; on the loop only."""
        future: asyncio.Future[None] = self.scheduler.loop.create_future()
        if self.done:
            future.set_result(None)
        elif isinstance(self.waiters, list):
            self.waiters.append(future)
        else:
            self.waiters = [future]
        return future

    def address(self) -> dict[str, Any]:
        """Say where another process can fetch the reply."""
        address: Callable[[Call], dict[str, Any]] | None = getattr(self.remote, "address", None)
        if address is None:
            return {"_call": self.id, "_host": None, "_port": None, "_task_id": None}
        return address(self)

    def _deliver(self) -> Any:
        __tracebackhide__ = True
        self.read = True
        if self.error is not None:
            raise self.error.with_traceback(self.traceback)
        return self.value

    def __del__(self) -> None:
        if self.error is not None and not self.read:
            self.scheduler.report_unread(self)


def current_call() -> Call | None:
    """Return the call whose body runs here."""
    call = context.frame.get()
    return call if isinstance(call, Call) else None
