"""`HookedWay`: the way to an agent of another process that has hooks here, around its turns.

Its hooks run in this process, before a call is sent and after its reply has come.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any

from ._arguments import promised, resolved
from ._call import Call, Remote
from ._hooks import hooked
from ._scheduler import scheduler

__all__ = ["FAR_KINDS", "HookedWay"]

FAR_KINDS = ("pre_reply", "post_reply", "pre_observe", "post_observe")
"""The hooks that an agent of another process can have here."""


class HookedWay(Remote):
    """Sends over ``way`` what an agent's hooks have made of it. On the loop only.

    A call waits here for what it takes, and for those that stand before it in the program and wait here too.
    What such an agent says comes from here, also to agents of its own server: it may have been changed.
    """

    def __init__(self, way: Remote, agent: Any) -> None:
        self._way, self._agent = way, agent
        self._waiting: dict[Call, asyncio.Future[None]] = {}
        self._sent: dict[str, Call] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def send(self, call: Call) -> None:
        """Send a call once it is its turn."""
        if call.kind not in ("call", "observe"):
            self._way.send(call)
            return
        loop = asyncio.get_running_loop()
        before = [sent for other, sent in self._waiting.items() if other.path <= call.path]
        self._waiting[call] = loop.create_future()
        around = call.context.copy() if call.context is not None else copy_context()
        task = loop.create_task(self._carry(call, before), context=around)
        self._tasks[call.id] = task
        task.add_done_callback(lambda _: self._over(call))

    async def _carry(self, call: Call, before: list[asyncio.Future[None]]) -> None:
        value: Any = None
        error: BaseException | None = None
        try:
            if before:
                await asyncio.wait(before)
            for message in promised((call.args, call.kwargs)):
                await message
            args, kwargs = resolved(call.args), resolved(call.kwargs)
            name = "observe" if call.kind == "observe" else "reply" if call.method == "_reply" else ""
            over_there = _named(lambda *a, **k: self._asked(call, a, k), args, kwargs)
            value = await (hooked(self._agent, name, over_there) if name else over_there)(*args, **kwargs)
        except asyncio.CancelledError:
            return  # it was ended from outside, and is settled
        except BaseException as raised:  # noqa: BLE001  # whatever it is, it is the call's
            # A hub goes on without a message that failed.
            error = None if call.kind == "observe" and call.id not in self._sent else raised
        scheduler().settle(call, value, error)

    async def _asked(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the call as the other process sees it, and return what comes of it."""
        clock = scheduler()
        sent = Call(
            clock,
            None,
            None,
            args,
            kwargs,
            kind="observe" if call.kind == "observe" else "sent",
            parent=call.parent,
            path=call.path,
            client=call.client,
            method=call.method,
            ctx=call.context,
            call_id=call.id,
            key=call.key,
        )
        sent.agent_name, sent.remote, sent.read = call.agent_name, self._way, True
        sent.parent_id, sent.chain, sent.origin = call.parent_id, call.chain, call.origin
        sent.run, sent.workspace, sent.deadline = call.run, call.workspace, call.deadline
        sent.approve = call.approve
        sent.agent = self._agent  # what it prints belongs to it
        if call.kind == "call":
            sent.ended = lambda _: None if call.done else clock.live.__setitem__(call.id, call)
        self._sent[call.id] = sent
        over = sent.future()
        self._way.send(sent)
        self._goes_on(call)
        await over
        if sent.error is not None:
            raise sent.error
        return sent.value

    def _goes_on(self, call: Call) -> None:
        waiting = self._waiting.pop(call, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _over(self, call: Call) -> None:
        self._goes_on(call)
        self._sent.pop(call.id, None)
        self._tasks.pop(call.id, None)

    def cancel(self, call: Call) -> None:
        """Tell the other side that nobody wants this call any more, where it knows of it."""
        sent, task = self._sent.get(call.id), self._tasks.get(call.id)
        if sent is not None:
            sent.error = call.error
            self._way.cancel(sent)
        elif call.kind not in ("call", "observe"):
            self._way.cancel(call)
        if task is not None:
            task.cancel()

    def interrupt(self, said: list[Any]) -> None:
        """Break off over there what the agent is at."""
        self._way.interrupt(said)

    async def chase(self, call_id: str, trail: list[dict[str, Any]], round_: str) -> dict[str, Any] | None:
        """Ask over there which ring of waiting calls a call closes, if one."""
        return await self._way.chase(call_id, trail, round_)

    def lost(self, call: Call, *, begun: bool) -> bool:
        """Keep a call whose server died; False if it ends here."""
        return self._way.lost(call, begun=begun)


def _named(
    function: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[..., Awaitable[Any]]:
    """Return the function with names for what it is given: ``x`` for the first, as agents here call it."""

    async def over_there(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    kinds = inspect.Parameter
    named = [] if "x" in kwargs else [kinds("x", kinds.POSITIONAL_ONLY, default=None)]
    if len(args) > len(named):
        named.append(kinds("args", kinds.VAR_POSITIONAL))
    named += [kinds(name, kinds.KEYWORD_ONLY) for name in kwargs]
    over_there.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    return over_there
