"""`Listener`: hears what some agents print, in one task or in one call, what they printed before included.

What is printed in a call is kept with the outermost call of its program, as long as that is referred to: each
message once, as it was last. Knows no streams; `nbagents.pipelines` makes one of it.
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from .._loop import background
from ..events import Event
from ..message import Msg
from ._call import Call, current_call, peek

__all__ = ["Listener", "is_heard", "told_elsewhere", "told_here", "when_heard"]

MOST = 1000
"""Messages of one program that are kept for who may listen later; the oldest go first."""
_lock = threading.Lock()
_listening: contextvars.ContextVar[tuple[Listener, ...]] = contextvars.ContextVar(
    "nbagents_listening", default=()
)


class _Said(NamedTuple):
    agent: weakref.ref[Any] | None
    """Who printed it; None for somebody in a server who is known by name alone."""
    name: str
    path: tuple[int, ...]
    message: Msg
    last: bool


class Printed:
    """What was printed below one outermost call, and who listens there. Any thread."""

    __slots__ = ("kept", "listeners", "waiting")

    def __init__(self) -> None:
        self.kept: dict[tuple[int, str], _Said] = {}
        self.listeners: list[tuple[tuple[int, ...], weakref.ref[Listener]]] = []
        self.waiting: list[tuple[Any, tuple[int, ...], Callable[[], object]]] = []
        """Who could print what there is of an answer so far: the agent, where, and what is to be called."""


class Listener:
    """Hears of ``agents`` what they print; ``take(message so far, last)`` gets a copy. On any thread.

    It listens while it is referred to: in a task whose context it has joined, in a call, or to the agents
    whatever they do.
    """

    def __init__(self, agents: Sequence[Any], take: Callable[[Msg, bool], object]) -> None:
        self.agents = tuple(agents)
        self._take = take
        self._grown: dict[str, Msg] = {}
        self._before: set[int] = set()
        self._elsewhere = {peek(agent, "_name") for agent in agents if peek(agent, "_remote") is not None}

    def join(self, context: contextvars.Context) -> None:
        """Listen to all that is begun in this context."""
        context.run(lambda: _listening.set((*_listening.get(), self)))

    def hear_call(self, call: Call) -> None:
        """Listen to a call and what it has called; what has been printed there is heard now."""
        printed = _printed(call)
        with _lock:
            printed.listeners.append((call.path, weakref.ref(self)))
            below = [said for said in printed.kept.values() if said.path[: len(call.path)] == call.path]
            for said in below:
                if id(said) in self._before:  # heard with a call above this one
                    continue
                self._before.add(id(said))
                agent = None if said.agent is None else said.agent()
                self.hear(agent, said.name, said.message, said.last)
            waiting = [entry for entry in printed.waiting if self._below(call, entry)]
        for _, _, begin in waiting:
            background().post(begin)

    def _below(self, call: Call, entry: tuple[Any, tuple[int, ...], Any]) -> bool:
        agent, path, _ = entry
        return path[: len(call.path)] == call.path and self.wants(agent, "")

    def hear_agents(self) -> None:
        """Listen to the agents, whoever calls them; what they have printed in calls that run is heard now."""
        for agent in self.agents:
            own = peek(agent, "__dict__")
            box = own.get("_box")
            call = box.running if box is not None else None
            if call is not None:
                self.hear_call(call)
            with _lock:
                own["_listeners"] = (*own.get("_listeners", ()), weakref.ref(self))

    def leave(self) -> None:
        """Listen no more to the agents themselves."""
        for agent in self.agents:
            own = peek(agent, "__dict__")
            with _lock:
                left = tuple(ref for ref in own.get("_listeners", ()) if ref() not in (None, self))
                if left:
                    own["_listeners"] = left
                else:
                    own.pop("_listeners", None)

    def wants(self, agent: Any, name: str) -> bool:
        """Is it one of the agents that this listens to?"""
        return any(agent is known for known in self.agents) if agent is not None else name in self._elsewhere

    def hear(self, agent: Any, name: str, message: Msg, last: bool) -> None:
        """Take what somebody has printed, if it is one of the agents."""
        if self.wants(agent, name):
            self._take(copy.deepcopy(message), last)

    def hear_piece(self, call: str, agent: Any, name: str, text: str) -> None:
        """Take a piece of what somebody in a server is saying."""
        if self.wants(agent, name):
            message = self._grown.setdefault(call, Msg(name, "", "assistant"))
            message._content += text
            self._take(copy.copy(message), False)

    def hear_whole(self, call: str, agent: Any, name: str, message: Msg) -> None:
        """Take what somebody in a server has said, under the id that its pieces had."""
        if self.wants(agent, name):
            grown, whole = self._grown.pop(call, None), copy.deepcopy(message)
            if grown is not None:
                whole._id = grown.id
            self._take(whole, True)


# ---- what agents tell


def is_heard(agent: Any) -> bool:
    """Does anybody listen to what this agent prints here?"""
    if peek(agent, "__dict__").get("_listeners"):
        return True
    if any(listener.wants(agent, "") for listener in _listening.get()):
        return True
    call = current_call()
    known = _root(call).printed if call is not None else None
    if known is None or call is None:
        return False
    with _lock:
        return any(listener.wants(agent, "") for listener in _below(known, call.path))


def told_here(agent: Any, message: Msg, last: bool) -> None:
    """Tell who listens that an agent of this process prints, and keep it for those who may come."""
    name, call = peek(agent, "_name"), current_call()
    found = list(_listening.get())
    with _lock:
        found += [listener for ref in peek(agent, "__dict__").get("_listeners", ()) if (listener := ref())]
        if call is not None and call.origin is None:  # else whoever asked is in another process
            found += _keep(call, _Said(weakref.ref(agent), name, call.path, _copied(message), last))
    for listener in dict.fromkeys(found):
        listener.hear(agent, name, message, last)


def told_elsewhere(event: Event) -> None:
    """Tell who listens what an agent in a server says, as its call's events have it."""
    call: Call | None = event.source
    if event.kind not in ("delta", "spoke") or call is None or call.origin is not None:
        return
    agent = call.agent if event.call == call.id else None
    found = list(_listening.get())
    with _lock:
        refs = () if agent is None else peek(agent, "__dict__").get("_listeners", ())
        found += [listener for ref in refs if (listener := ref())]
        if event.kind == "spoke":
            message = event.data["message"]
            whose = None if agent is None else weakref.ref(agent)
            found += _keep(call, _Said(whose, event.agent, call.path, message, True))
        elif (known := _root(call).printed) is not None:
            found += _below(known, call.path)
    for listener in dict.fromkeys(found):
        if event.kind == "spoke":
            listener.hear_whole(event.call, agent, event.agent, event.data["message"])
        else:
            listener.hear_piece(event.call, agent, event.agent, event.data["text"])


@contextlib.contextmanager
def when_heard(agent: Any, begin: Callable[[], object]) -> Iterator[None]:
    """Call ``begin`` on the loop, once for each, if somebody comes to listen to this agent's call."""
    call = current_call()
    if call is None:
        yield
        return
    printed, entry = _printed(call), (agent, call.path, begin)
    with _lock:
        printed.waiting.append(entry)
    if is_heard(agent):  # since just now
        begin()
    try:
        yield
    finally:
        with _lock:
            printed.waiting.remove(entry)


def _root(call: Call) -> Call:
    while call.parent is not None:
        call = call.parent
    return call


def _printed(call: Call) -> Printed:
    root = _root(call)
    with _lock:
        if root.printed is None:
            root.printed = Printed()
        return root.printed


def _keep(call: Call, said: _Said) -> list[Listener]:
    """Keep what was said, under the lock; return who listens to that call."""
    root = _root(call)
    printed = root.printed = root.printed or Printed()
    printed.kept[id(said.agent and said.agent()), said.message.id] = said
    if len(printed.kept) > MOST:
        del printed.kept[next(iter(printed.kept))]
    return _below(printed, call.path)


def _below(printed: Printed, path: tuple[int, ...]) -> list[Listener]:
    found = [ref() for above, ref in printed.listeners if path[: len(above)] == above]
    return [listener for listener in found if listener is not None]


def _copied(message: Msg) -> Msg:
    """Copy a message that may be printed again with more in it."""
    copied = copy.copy(message)
    if not isinstance(message._content, str):
        copied._content = copy.deepcopy(message._content)
    return copied
