"""`AgentBase`: an actor with a name, a memory and a mailbox."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .. import context, events, models
from .._ids import new_id
from .._ports import make_proxy
from ..exceptions import MethodMissingError
from ..memory import TemporaryMemory, is_awaited, messages_of
from ..message import Msg, PlaceholderMessage
from ._audience import Audience
from ._call import RUNNING, Remote, current_call, peek
from ._classes import Classes
from ._hooks import has_hooks
from ._mailbox import Mailbox
from ._revising import revised
from ._scheduler import scheduler, settled
from ._state import APART, apart, frozen, remembered, thaw
from ._surface import Surface
from ._unused import warn_unused

__all__ = ["AgentBase"]

STEADY = frozenset({"name", "agent_id", "to_dist"})
"""Attributes that no turn changes: reading them waits for nothing."""

_audience_lock = threading.Lock()


def _is_method(cls: type, name: str) -> bool:
    """Does the class define ``name`` as a method or a property, rather than as data or not at all?"""
    for base in cls.__mro__:
        if name in base.__dict__:
            return hasattr(base.__dict__[name], "__get__")
    return False


class AgentMeta(type):
    """Records how an agent was made, so that it can be made again in another process."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an agent; with ``to_dist``, make it in a server and return its proxy."""
        where = kwargs.pop("to_dist", False)
        if where is not False and where is not None:
            return make_proxy(cls, args, kwargs, where)
        agent = super().__call__(*args, **kwargs)
        agent._init_settings = {"args": args, "kwargs": kwargs, "class_name": cls.__name__}
        return agent


def _queued(observe: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Wrap an agent's ``observe``: from outside its turns it queues, inside them it runs."""

    @functools.wraps(observe)
    def entry(self: AgentBase, x: Any) -> Any:
        if self._holds_me():
            return observe(self, x)
        return scheduler().broadcast(x, [self])

    entry._queues = True  # type: ignore[attr-defined]
    return entry


class AgentBase(Surface, Classes, metaclass=AgentMeta):
    """An agent. Subclass it and write ``reply``; ``agent(x)`` returns a message at once.

    Calls run one at a time, in the order in which blocking code would have run them; independent
    agents run at the same time. ``async def reply`` runs on the background loop and is the form
    for scale; a plain ``def reply`` may block, it gets a thread of its own while it runs. What it
    returns is wrapped in a `Msg` if it is none. Reading an agent's memory or other data from
    outside waits for the calls made before; inside its own turn it does not.

    ``model_config_name`` names a loaded model configuration (or is one, as a dictionary, or is a
    model); ``self.model`` is the model made from it. ``agent_id`` is 32 hexadecimal digits.
    ``memory_config`` is AgentScope 0.0.1's, and does nothing but warn of that.

    >>> class Counter(AgentBase):
    ...     n = 0
    ...     def reply(self, x=None):
    ...         self.n += 1
    ...         return f"{self.n} so far"
    >>> c = Counter("counter")
    >>> c().content, c().content, c.n
    ('1 so far', '2 so far', 2)
    """

    _remote: Remote | None = None
    _observes_its_own_way = False
    _audience = Audience()
    _init_settings: dict[str, Any]
    model: models.ModelWrapperBase | None = None

    def __init__(
        self,
        name: str,
        sys_prompt: str | None = None,
        model_config_name: str | dict[str, Any] | models.ModelWrapperBase | None = None,
        use_memory: bool = True,
        memory_config: Mapping[str, Any] | None = None,
        *,
        agent_id: str | None = None,
    ) -> None:
        warn_unused(type(self), name, {"memory_config": memory_config})
        self.name = name
        self.agent_id = agent_id or new_id()
        self.sys_prompt = sys_prompt
        if model_config_name is not None:
            self.model = models.load_model(model_config_name)
        self.memory: Any = TemporaryMemory() if use_memory else None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.observe is not AgentBase.observe:  # its own, or that of a class mixed in
            cls._observes_its_own_way = True
            if not hasattr(cls.observe, "_queues"):
                cls.observe = _queued(cls.observe)  # type: ignore[method-assign]

    # ---- what a subclass writes

    def reply(self, *args: Any, **kwargs: Any) -> Any:
        """Answer a message; a subclass writes this, as ``def`` or ``async def``."""
        raise MethodMissingError(f'Agent [{type(self).__name__}] is missing the required "reply" function.')

    @_queued
    def observe(self, x: Msg | Sequence[Msg] | None) -> Any:
        """Take a message into memory without answering. Called from outside it returns at once."""
        return self._observe_now(x)

    def _speak(self, content: str | Msg | Iterable[tuple[bool, str]]) -> None:
        if isinstance(content, Msg):
            message = content
        elif isinstance(content, str):
            message = Msg(self._name, content, "assistant")
        elif hasattr(content, "__iter__"):
            message = Msg(self._name, "", "assistant")
            for _, so_far in content:
                events.emit("delta", text=so_far[len(message._content) :])
                message._content = so_far
                self._spoken(message, last=False)
        else:
            kind = type(content).__name__
            raise TypeError(f"speak() takes a str, a Msg or a generator of (last, text), not {kind}")
        self._spoken(message)
        events.emit("spoke", message=message)
        call = current_call()
        silent = peek(self, "__dict__").get("_silent")
        if not silent and not context.card.get() and (call is None or call.origin is None):
            print(message.formatted_str())  # noqa: T201  # this is what speaking means in a terminal

    # ---- being called

    def __call__(self, *args: Any, **kwargs: Any) -> PlaceholderMessage:
        """Call the agent; return its reply at once, as a message that may not have arrived yet."""
        return scheduler().issue(self, peek(self, "reply"), args, kwargs, method="_reply")

    def to_dist(
        self,
        host: str = "localhost",
        port: int | None = None,
        max_pool_size: int = 8192,
        max_timeout_seconds: float = 7200,
        local_mode: bool = True,
        lazy_launch: bool = False,
        launch_server: bool | None = None,
    ) -> Any:
        """Make an agent like this one in an agent server; return the proxy to call there.

        It is made as this one was, and then becomes what this one is after the calls made before: its
        `state_dict` travels. What that cannot hold is left to the constructor. The class may be written
        in a notebook's cell. Blocking, unless ``lazy_launch`` puts it off until the first call; the other
        options are those of `DistConf`.

        Raises:
            AgentCreationError: the server cannot make it, or its class cannot travel.
            UsageError: the options are wrong, or an argument of its constructor cannot travel.
        """
        options: dict[str, Any] = {"host": host, "port": port, "max_pool_size": max_pool_size}
        options |= {"max_timeout_seconds": max_timeout_seconds, "local_mode": local_mode}
        options |= {"lazy_launch": lazy_launch, "launch_server": launch_server}
        return make_proxy(self, (), options, None)

    # ---- what it has become

    def state_dict(self) -> dict[str, Any]:
        """Return what the agent has become since it was made, as JSON can hold it.

        Its memory, and its public attributes as far as JSON can hold them, bytes, messages and agents that
        live in servers included. What cannot be held, a connection say, is left to the constructor; a
        message that cannot is left out with a warning. Override it together with `load_state_dict` where
        an agent knows better.

        >>> class Counter(AgentBase):
        ...     n = 0
        >>> c = Counter("counter")
        >>> c.n = 3
        >>> c.state_dict()
        {'memory': [], 'sys_prompt': None, 'n': 3}
        """
        own = self.__dict__
        memory = own.get("memory")
        if memory is None:
            return frozen(own)
        kept = APART if apart.get() else remembered(messages_of(memory) or (), self._name)
        return {"memory": kept} | frozen(own)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become what `state_dict` told of another agent of this class; its memory replaces this one's."""
        for name, value in state.items():
            if name == "memory":
                memory: Any = self.__dict__.get("memory")
                if hasattr(memory, "load"):
                    memory.load(thaw(value), overwrite=True)
                elif memory is not None and messages_of(memory) == []:  # one of a class of its own
                    memory.add(thaw(value))
            elif name[0] != "_":
                setattr(self, name, thaw(value))

    # ---- hubs

    def reset_audience(self, audience: Sequence[AgentBase]) -> None:
        """From now on ``audience``, but for the agent itself, observes what it says, and nobody else."""
        self._hear(scheduler().next_path(), tuple(audience))

    def clear_audience(self) -> None:
        """From now on nobody observes what it says."""
        self._hear(scheduler().next_path(), ())

    def rm_audience(self, audience: AgentBase | Sequence[AgentBase]) -> None:
        """From now on these no longer observe what it says."""
        gone = [audience] if isinstance(audience, AgentBase) else list(audience)
        path = scheduler().next_path()
        self._hear(path, tuple(a for a in self._audience_at(path) if a not in gone))

    def _hear(self, path: tuple[int, ...], audience: tuple[AgentBase, ...], hub: Any = None) -> None:
        """Set who listens from that place in the program on: in ``hub``, or in place of all others."""
        with _audience_lock:
            self._audience = peek(self, "_audience").then(path, hub, audience)
        if len(self._audience) % 64 == 0:
            scheduler().post(self._forget_audience)

    def _forget_audience(self) -> None:
        """Drop what no unfinished call can ask for. On the loop, which knows them all."""
        oldest = min((call.path for call in scheduler().live.values()), default=None)
        with _audience_lock:
            self._audience = self._audience.since(oldest)

    def _audience_at(self, path: tuple[int, ...]) -> tuple[AgentBase, ...]:
        """Return who else listened at that place in the program, which may differ from who does now."""
        audience = peek(self, "_audience")
        return tuple([a for a in audience.at(path) if a is not self]) if audience else ()

    # ---- what the scheduler needs; underscore names never wait

    @property
    def _mailbox(self) -> Mailbox:
        own = peek(self, "__dict__")
        box: Mailbox | None = own.get("_box")
        if box is None:  # made at the first message: ten thousand idle agents need none
            box = own["_box"] = Mailbox()
        return box

    @property
    def _name(self) -> str:
        return str(peek(self, "__dict__").get("name", type(self).__name__))

    @property
    def _observes_inline(self) -> bool:
        """Is observing done at once? Not in a way of its own, nor with hooks or a memory that is awaited."""
        if type(self)._observes_its_own_way or has_hooks(self, "observe"):
            return False
        memory = peek(self, "__dict__").get("memory")
        if memory is None or type(memory) is TemporaryMemory:
            return True
        return not is_awaited(memory, "add")

    def _opening(self, said: Any) -> list[Msg]:
        """Return what stands before a conversation: the system prompt, if there is one.

        No endpoint takes a conversation without a message: whoever speaks first knows at least who it is.
        """
        prompt = self.sys_prompt or ("" if said else f"You are {self.name}.")
        return [Msg("system", prompt, "system")] if prompt else []

    def _observe_now(self, x: Msg | Sequence[Msg] | None) -> Any:
        memory = peek(self, "__dict__").get("memory")
        return memory.add(x) if memory is not None and x is not None else None

    async def _revise(self, change: Any = None) -> dict[str, Any]:
        return revised(self, change)

    async def _whole_state(self) -> dict[str, Any]:
        return self.state_dict()

    def _as_message(self, value: Any) -> Any:
        if isinstance(value, Msg):
            return value
        if isinstance(value, (list, tuple)) and value and all(isinstance(item, Msg) for item in value):
            return value
        return Msg(self._name, value, "assistant")

    def _holds_me(self) -> bool:
        call = current_call()
        return call is not None and call.agent is self and call.state == RUNNING

    def _settle_first(self) -> None:
        """Wait for the turns called before, unless this is the loop or the agent's own turn."""
        clock = scheduler()
        if clock.background.here() or self._holds_me():
            return
        unknown = current_call() is None and threading.current_thread() is not threading.main_thread()
        if unknown and threading.get_ident() not in tuple(self.__dict__["_open"].values()):
            return  # perhaps a thread of the agent's own turn; one that has called the agent itself is none
        settled(self).result()

    def __getattribute__(self, name: str) -> Any:
        if name[0] == "_" or name in STEADY:
            return object.__getattribute__(self, name)
        own = object.__getattribute__(self, "__dict__")
        if own.get("_open") and (name in own or not _is_method(type(self), name)):
            self._settle_first()
        return object.__getattribute__(self, name)

    # ---- telling what it is

    def _describe(self) -> dict[str, Any]:
        own = self.__dict__
        about = {
            "name": self._name,
            "type": type(self).__name__,
            "sys_prompt": own.get("sys_prompt"),
            "agent_id": own.get("agent_id"),
        }
        model = own.get("model")
        if model is not None:
            about["model"] = {"model_type": model.model_type, "config_name": model.config_name}
        return about

    def __str__(self) -> str:
        return json.dumps(self._describe(), ensure_ascii=False)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"
