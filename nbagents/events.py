"""What happens during a call, told to whoever listens.

Models, tools, agents, mailboxes and the wire emit; runs, cards and telemetry listen. An event
names the call, its agent and its run. The kinds, and what ``data`` holds:

=============== ==========================================================================================
``queued``      the call was made: ``method``; ``waits_for``, the ids of the calls whose replies it takes;
                ``took_from``, the names of those whose messages it was given
``started``     its turn has come
``model``       a model was asked: ``model``; what for, ``operation``, and of whom, ``provider``, by the names
                that OpenTelemetry has for them
``delta``       a piece of the reply as it streams: ``text``; from a server several that came within a moment
``usage``       a model has answered: ``model``, ``prompt_tokens``, ``completion_tokens``,
                ``total_tokens``; ``estimated`` if the endpoint did not count; ``cost`` in dollars,
                None if its price is not known; ``images``, how many pictures, from a model that paints
``printed``     the agent's code printed: ``text``
``spoke``       the agent showed a message with `speak`: ``message``
``tool_call``   a tool is called: its ``id``, ``name`` and ``arguments``, long texts in them cut
``approval``    whether it may be called: its ``id`` and ``name``, and ``state``: a person is "asked", has
                "approved" it, or "edited" its ``arguments`` and approved that, or had it "granted" for the
                run; or it was "denied": ``why``; or its answer is "replayed", from a recording: nobody is
                asked, and nothing called
``tool_result`` it has answered: ``id``, ``name``, ``output`` as text, cut, ``seconds``, and ``state``:
                "done", "error", "stopped" or "denied"; ``pictures`` that it holds, as ``data:`` addresses
``sent``        an agent, or a program where ``agent`` is empty, sent a typed message: its ``message`` id, the
                ``type`` of it, and its ``recipient`` or its ``topic``; ``caller``, the agent of the call in
                which a program sent it
``handled``     an agent has handled it: the same, ``sender``, ``seconds``, ``error``, None if all is well
``dropped``     nobody got it: the same, and ``why``
``question``    a person is asked: the fields of the `Question`, see `nbagents.asking`
``answered``    that question is over: its ``id``; ``how``, "answered" by a person, "default", or why not;
                the ``text``; the ``fields`` where a tool was to be allowed
``replayed``    a person's answer is taken from a recording: its ``label`` says so
``blocked``     the agent's code has held the loop for too long, and all others of its process wait:
                ``seconds`` so far, ``where`` it stands, ``type`` of the agent; from a server it comes
                once the loop is free again
``missed``      this process reads too slowly what a server tells: ``count`` events were left out
                before this one, of this call and of others; replies never are
``model_over``  what ``model`` told of is over: ``error``, an exception, if it failed; ``asked`` and ``said``,
                the messages that were sent and the text that came. Told to those who listen ``near`` only
``done``        the reply is there: ``message``
``failed``      the call ended without one: ``error``, an exception
=============== ==========================================================================================
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from . import context

__all__ = [
    "PRINTED",
    "REPLIES",
    "Event",
    "Hearer",
    "active",
    "emit",
    "emit_near",
    "publish",
    "subscribe",
    "wanted",
    "wanted_from_afar",
]

log = logging.getLogger(__name__)

REPLIES = frozenset({"", "_reply", "reply"})
"""The methods whose calls are messages."""
PRINTED = 20_000
"""Characters kept of what an agent's code prints in one call; the rest is dropped, and said to be."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``at`` is this process's ``time.monotonic`` in seconds."""

    kind: str
    call: str = ""
    agent: str = ""
    run: str = ""
    parent: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)
    source: Any = None
    """The call itself, where it runs in this process."""


Listener = Callable[[Event], object]
_listeners: tuple[Listener, ...] = ()
_near: tuple[Listener, ...] = ()


def subscribe(listener: Listener, *, near: bool = False) -> Callable[[], None]:
    """Call ``listener`` with every event from now on; return the function that ends this.

    It is called on the thread that emits, often the background loop: it must be quick and must
    not wait. What it raises is logged and harms nobody. One that listens ``near`` hears of what goes on in
    this process itself, in the context of the code that does it, and nothing that servers tell: they are
    not asked to.
    """
    global _listeners, _near
    if near:
        _near = (*_near, listener)
    else:
        _listeners = (*_listeners, listener)

    def unsubscribe() -> None:
        global _listeners, _near
        _listeners = tuple(known for known in _listeners if known is not listener)
        _near = tuple(known for known in _near if known is not listener)

    return unsubscribe


def active() -> bool:
    """Does anybody listen?"""
    return bool(_listeners or _near)


class Hearer(Protocol):
    """Who asked for a call from outside of this process, its ``origin``: hears of that call and below it."""

    watched: Collection[str]
    """What it is to be told of; empty if nothing. Looked at before each event, on any thread."""

    def hear(self, event: Event) -> None:
        """Take an event; must be quick and must not wait. On any thread."""


def wanted(call: Any) -> bool:
    """Does anybody listen to what happens in this call? Asked before an event is made."""
    origin = call.origin
    return bool(_near or _listeners or (origin is not None and origin.watched))


def wanted_from_afar(call: Any) -> bool:
    """Does anybody listen also to what happens to this call in another process?"""
    origin = call.origin
    return bool(_listeners or (origin is not None and origin.watched))


def publish(event: Event, *, far: bool = False) -> None:
    """Tell of one event: all listeners, and whoever asked for its call from outside.

    ``far`` says that another process told of it.
    """
    origin = getattr(event.source, "origin", None)
    if origin is not None:
        origin.hear(event)
    _tell(event, _listeners if far else (*_near, *_listeners))


def _tell(event: Event, listeners: tuple[Listener, ...]) -> None:
    for listener in listeners:
        try:
            listener(event)
        except Exception:
            log.exception("a listener failed on %s", event.kind)


def emit(kind: str, /, **data: Any) -> None:
    """Tell all listeners that something happened in the call whose body runs here."""
    call = context.frame.get()
    if call is None:
        if not active():
            return
        publish(Event(kind, run=context.run.get(), data=data))
    else:
        publish(Event(kind, call.id, call.agent_name, call.run, call.parent_id, data, source=call))


def emit_near(kind: str, /, **data: Any) -> None:
    """Tell those who listen near, and nobody else."""
    if _near:
        call = context.frame.get()
        about = (
            ("", "", context.run.get(), "")
            if call is None
            else (call.id, call.agent_name, call.run, call.parent_id)
        )
        _tell(Event(kind, *about, data, source=call), _near)
