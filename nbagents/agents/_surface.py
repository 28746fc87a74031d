"""`Surface`: the handles of an agent: hooks, where it is printed, and how it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import functools
from collections.abc import Callable, Generator, Iterable
from typing import Any

from .. import models
from ..exceptions import UsageError
from ..memory import arrived
from ..message import Msg
from ._call import peek
from ._hooked_way import FAR_KINDS, HookedWay
from ._hooks import KINDS, Hook, hooked, hooks_of, hooks_of_class
from ._printed import is_heard, told_here, when_heard
from ._scheduler import scheduler
from ._state import UNFIT, freeze

__all__ = ["Surface"]


_told: contextvars.ContextVar[bool] = contextvars.ContextVar("nbagents_told", default=False)
"""Have those who listen been told already of what is spoken here?"""


class Surface:
    """The part of `AgentBase` that watches and steers it, as AgentScope 1.x has it."""

    supported_hook_types: tuple[str, ...] = KINDS

    # ---- hooks

    def register_instance_hook(self, hook_type: str, hook_name: str, hook: Hook) -> None:
        """Have ``hook`` called around this agent's ``reply``, ``observe``, ``print`` or ``speak``.

        It takes the place of one of that name. ``hook_type`` is one of `supported_hook_types`. A "pre" hook
        is called with the agent and the arguments by name, and may return others; a "post" hook with the
        agent, the arguments and the value, and may return another one. Either may be ``async``, but for
        those of ``speak``. What it raises fails the call.

        It belongs to this process. Hooks of ``reply`` and ``observe`` run here also for an agent that lives
        in a server, before a call is sent and after its reply has come, and `to_dist` keeps them: they are
        given what is passed without a name as ``x``. Other kinds stay behind.

        >>> from nbagents.agents import AgentBase
        >>> class Echo(AgentBase):
        ...     async def reply(self, x=None):
        ...         return x
        >>> echo = Echo("echo")
        >>> echo.register_instance_hook("pre_reply", "loud", lambda self, given: {"x": given["x"].upper()})
        >>> echo("hi").content
        'HI'

        Raises:
            UsageError: there is no such type, or not for an agent that lives in a server.
        """
        self._check_type(hook_type)
        if hook_type not in FAR_KINDS:
            self._check_here(f"hooks of the type {hook_type}")
        remote = peek(self, "_remote")
        if remote is not None and not isinstance(remote, HookedWay):
            peek(self, "__dict__")["_remote"] = HookedWay(remote, self)
        hooks_of(peek(self, "__dict__"), hook_type)[hook_name] = hook

    def remove_instance_hook(self, hook_type: str, hook_name: str) -> None:
        """Take a hook of this agent away.

        Raises:
            UsageError: there is none of that name.
        """
        self._check_type(hook_type)
        _remove(hooks_of(peek(self, "__dict__"), hook_type), hook_type, hook_name)

    def clear_instance_hooks(self, hook_type: str | None = None) -> None:
        """Take all hooks of this agent away, or those of a type."""
        for kind in self._types(hook_type):
            hooks_of(peek(self, "__dict__"), kind).clear()

    @classmethod
    def register_class_hook(cls, hook_type: str, hook_name: str, hook: Hook) -> None:
        """Have ``hook`` called around the methods of this class's agents, as `register_instance_hook`.

        Of those of this process: agents that live in servers know nothing of it. For them register it where
        the class is written, behind it in its module.
        """
        cls._check_type(hook_type)
        hooks_of_class(cls, hook_type)[hook_name] = hook

    @classmethod
    def remove_class_hook(cls, hook_type: str, hook_name: str) -> None:
        """Take a hook of this class away.

        Raises:
            UsageError: there is none of that name.
        """
        cls._check_type(hook_type)
        _remove(hooks_of_class(cls, hook_type), hook_type, hook_name)

    @classmethod
    def clear_class_hooks(cls, hook_type: str | None = None) -> None:
        """Take all hooks of this class away, or those of a type."""
        for kind in cls._types(hook_type):
            hooks_of_class(cls, kind).clear()

    @classmethod
    def _types(cls, hook_type: str | None) -> tuple[str, ...]:
        if hook_type is None:
            return cls.supported_hook_types
        cls._check_type(hook_type)
        return (hook_type,)

    @classmethod
    def _check_type(cls, hook_type: str) -> None:
        if hook_type not in cls.supported_hook_types:
            known = ", ".join(cls.supported_hook_types)
            raise UsageError(f"{cls.__name__} has no hooks of the type {hook_type!r}; there are: {known}")

    # ---- printing

    async def print(self, msg: Msg, last: bool = True) -> None:
        """Show a message, or with ``last=False`` what there is of it so far, under the same id.

        It goes to the queue of `set_msg_queue_enabled`, and once it is whole where `speak` shows it.
        """
        await hooked(self, "print", self._print)(msg, last)

    async def _print(self, msg: Msg, last: bool = True) -> None:
        told_here(self, msg, last)
        queued: tuple[asyncio.Queue[Any], Any] | None = peek(self, "__dict__").get("_queue")
        if queued is not None:
            queue, loop = queued
            item = (copy.deepcopy(msg), last)
            if loop is None or loop is asyncio.get_running_loop():
                await queue.put(item)
                await asyncio.sleep(0)  # whoever reads it has its turn
            else:
                with contextlib.suppress(RuntimeError):  # that loop has ended, and nobody reads
                    loop.call_soon_threadsafe(queue.put_nowait, item)
        if not last:
            return
        said = [
            block for block in msg.get_content_blocks() if block["type"] not in ("tool_use", "tool_result")
        ]
        if said or not msg.has_content_blocks():
            shown = copy.copy(msg)
            if msg.has_content_blocks("tool_use"):  # calls are shown as they are made
                shown._content = said
            token = _told.set(True)
            try:
                self.speak(shown if shown._content is not msg._content else msg)
            finally:
                _told.reset(token)

    async def _print_as_it_comes(self, answer: Any) -> str:
        """Wait for a model's answer; print what there is of it again and again, if a queue waits for it.

        Return the id of the message that was printed; "" if none was.
        """
        pieces: Any = getattr(answer, "stream", None)
        message, shown = Msg(peek(self, "_name"), "", "assistant"), False

        async def show() -> None:
            nonlocal shown
            async for last, text in pieces:
                if not last:
                    message._content, shown = text, True
                    await self.print(message, last=False)

        if "_queue" in peek(self, "__dict__") or is_heard(self):
            if hasattr(pieces, "__aiter__"):
                await show()
        elif hasattr(pieces, "__aiter__") and isinstance(answer, models.ModelResponse):
            await self._whole_or_shown(answer, show)
        if isinstance(answer, models.ModelResponse):
            await answer.whole()
        return message.id if shown else ""

    async def _whole_or_shown(self, answer: models.ModelResponse, show: Callable[[], Any]) -> None:
        """Wait for an answer; from the moment that somebody listens, show what there is of it."""
        tasks: list[asyncio.Task[None]] = []
        context, loop = contextvars.copy_context(), asyncio.get_running_loop()

        def begin() -> None:
            if not tasks:
                tasks.append(loop.create_task(show(), context=context))
                tasks[0].add_done_callback(lambda task: task.cancelled() or task.exception())

        try:
            with when_heard(self, begin):
                await answer.whole()
            for task in tasks:
                await task
        finally:
            for task in tasks:
                task.cancel()

    async def _remember(self, message: Any) -> None:
        """Add to the memory, whose methods may be ``async``."""
        memory: Any = peek(self, "__dict__").get("memory")
        if memory is not None and message is not None:
            await arrived(memory.add(message))

    def speak(self, content: str | Msg | Iterable[tuple[bool, str]]) -> None:
        """Show a message: in the run's card, else by printing it.

        A generator yields ``(last, text so far)`` and is shown as it comes.

        Raises:
            TypeError: it is none of these.
        """
        hooked(self, "speak", self._speak)(content)

    def _spoken(self, message: Msg, last: bool = True) -> None:
        """Tell who listens what is spoken, unless `print` has."""
        if not _told.get():
            told_here(self, message, last)

    def _speak(self, content: Any) -> None:
        raise NotImplementedError  # `AgentBase` says how

    def set_msg_queue_enabled(self, enabled: bool, queue: asyncio.Queue[Any] | None = None) -> None:
        """Put each message that is printed from now on into a queue too, as ``(message so far, last)``.

        The queue belongs to the loop that runs here, from whichever loop the agent prints; it is
        ``agent.msg_queue``.

        Raises:
            UsageError: the agent lives in a server.
        """
        self._check_here("queues of messages")
        own = peek(self, "__dict__")
        if not enabled:
            own.pop("_queue", None)
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None  # whichever reads it first
        own["_queue"] = (queue if queue is not None else asyncio.Queue(), loop)

    @property
    def msg_queue(self) -> asyncio.Queue[Any] | None:
        """The queue of `set_msg_queue_enabled`; None while there is none."""
        queued = peek(self, "__dict__").get("_queue")
        return None if queued is None else queued[0]

    def set_console_output_enabled(self, enabled: bool) -> None:
        """Print what it says where no card shows it, as it does by default, or do not."""
        peek(self, "__dict__")["_silent"] = not enabled

    # ---- interrupting

    def interrupt(self, msg: Any = None) -> Interruption:
        """Break off what the agent is at, so that it replies at once with what `handle_interrupt` returns.

        Any thread; returns at once, and can be awaited. ``msg``, a message or several, is remembered before.
        A blocking ``def reply`` runs on, and an agent that does nothing is not touched. The agent may live in
        a server, and the call may be another session's.

        Raises:
            UsageError: ``msg`` holds what cannot travel to the agent's server.
        """
        remote = peek(self, "_remote")
        if remote is None:
            scheduler().post(_interrupt, self, msg)
        else:
            said = freeze([] if msg is None else list(msg) if isinstance(msg, (list, tuple)) else [msg])
            if said is UNFIT:
                raise UsageError(
                    f"what is said to {peek(self, '_name')} holds what cannot travel to its server"
                )
            scheduler().post(remote.interrupt, said)
        return Interruption()

    async def handle_interrupt(self, *args: Any, **kwargs: Any) -> Msg:
        """Return the reply of a call that was interrupted, whose arguments these are; it is remembered."""
        text = "I noticed that you have interrupted me. What can I do for you?"
        reply = Msg(peek(self, "_name"), text, "assistant", metadata={"_is_interrupted": True})
        await self.print(reply)
        await self._remember(reply)
        return reply

    def _check_here(self, what: str) -> None:
        if peek(self, "_remote") is not None:
            raise UsageError(
                f"{peek(self, '_name')} lives in a server, and {what} do not go there: set them up in the"
                " __init__ of its class"
            )


class Interruption:
    """What `Surface.interrupt` returns, for those who await it."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield from ()


def _interrupt(agent: Any, msg: Any) -> None:
    """Cancel the task of the reply that runs, and say what is to follow. On the loop."""
    box = peek(agent, "__dict__").get("_box")
    call = box.running if box is not None else None
    if call is None or call.done or call.task is None or call.kind != "call":
        return
    call.interrupted = functools.partial(_handled, agent, msg)
    call.task.cancel()


async def _handled(agent: Any, msg: Any, *args: Any, **kwargs: Any) -> Any:
    if msg is not None:
        await agent._remember(msg)
    return await agent.handle_interrupt(*args, **kwargs)


def _remove(hooks: dict[str, Hook], kind: str, name: str) -> None:
    if hooks.pop(name, None) is None:
        raise UsageError(f"there is no {kind} hook named {name!r}; there are: {', '.join(hooks) or 'none'}")
