"""How our values show themselves in a notebook: as HTML of our own making, with a text twin.

Nothing here waits for a message: one that has not arrived shows that, and is replaced when it has.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ..agents import AgentBase
from ..config import HEADLESS_TIMEOUT
from ..memory import TemporaryMemory
from ..message import Msg, PlaceholderMessage
from ..models import DEMO_MODELS
from ..render import (
    AgentCardView,
    MemoryView,
    agent_line_html,
    agent_line_text,
    memory_html,
    memory_text,
    message_html,
    message_text,
    run_html,
    run_text,
)
from ..runs import Run
from ..widgets import Surface, flusher
from ._desk import Desk
from ._panels import placeholder_panel
from ._serving_card import ServingCards

__all__ = ["Formatters"]

SERVING = ("nbagents.app._serving", "Serving")
"""An app that serves; by its name, since loading it takes as long as all the rest."""
LISTED = 30
"""How many messages a list may hold to be shown as cards."""


class _Late:
    """A message's output, which is replaced when the message arrives."""

    def __init__(
        self, message: PlaceholderMessage, surface: Surface, draw: Callable[[Surface, Any], None]
    ) -> None:
        self.message, self.surface, self.draw = message, surface, draw

    def refresh(self) -> bool:
        """Show the message if it is there; return whether it is still to come."""
        if not self.message.done():
            return True
        self.draw(self.surface, self.message)
        return False


class Formatters:
    """Registers with a shell how our types are shown, and takes that back."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.cards = ServingCards(desk)
        self._late: list[_Late] = []
        self._lists: Any = None
        """How IPython prints lists."""

    def register(self) -> None:
        """Show our types our way from now on."""
        kinds = self.desk.shell.display_formatter.formatters
        for type_, html, text in self._table():
            kinds["text/html"].for_type(type_, html)
            kinds["text/plain"].for_type(type_, _pretty(text))
        plain = kinds["text/plain"]
        own = self.desk.shell.display_formatter.ipython_display_formatter
        own.for_type_by_name(*SERVING, self.cards.show)
        self._lists = plain.lookup_by_type(list)
        kinds["text/html"].for_type(list, self._list_html)
        plain.for_type(list, self._list_pretty)
        if self.desk.mode != "terminal":
            own.for_type(PlaceholderMessage, self._placeholder)
            own.for_type(list, self._list)

    def unregister(self) -> None:
        """Show them as IPython would."""
        kinds = self.desk.shell.display_formatter.formatters
        for type_, _, _ in self._table():
            for kind in ("text/html", "text/plain"):
                kinds[kind].pop(type_, None)
        kinds["text/html"].pop(list, None)
        kinds["text/plain"].for_type(list, self._lists)
        own = self.desk.shell.display_formatter.ipython_display_formatter
        for shown in (PlaceholderMessage, list, ".".join(SERVING)):
            own.pop(shown, None)

    def join(self) -> None:
        """Wait for the messages that this cell has shown, where nobody could see them arrive later."""
        late, self._late = self._late, []
        for each in late:
            with contextlib.suppress(Exception):  # the output says what went wrong
                each.message.result(HEADLESS_TIMEOUT)
            each.refresh()

    def _table(self) -> list[tuple[type, Callable[[Any], str], Callable[[Any], str]]]:
        return [
            (Msg, self._message_html, message_text),
            (
                AgentBase,
                lambda agent: agent_line_html(self._agent(agent)),
                lambda agent: agent_line_text(self._agent(agent)),
            ),
            (Run, lambda run: run_html(run.view()), lambda run: run_text(run.view())),
            (
                TemporaryMemory,
                lambda memory: memory_html(self._memory(memory)),
                lambda memory: memory_text(self._memory(memory)),
            ),
        ]

    def _message_html(self, message: Msg) -> str:
        there = (
            message._promise.value if isinstance(message, PlaceholderMessage) and message.done() else message
        )
        if not isinstance(there, Msg) or isinstance(there, PlaceholderMessage):
            return message_html(message)
        metadata = there.metadata
        is_demo = isinstance(metadata, dict) and metadata.get("model") in DEMO_MODELS
        return message_html(message, color=self.desk.color(there.name), is_demo=is_demo)

    def _list(self, values: list[Any]) -> None:
        """Show a list of messages one by one where some have not arrived, so that these fill themselves."""
        own = getattr(type(values), "_ipython_display_", None)
        if own is not None:  # a kind of list that shows itself
            own(values)
            return
        waits = (isinstance(value, PlaceholderMessage) and not value.done() for value in values)
        if not _all_messages(values) or not any(waits):
            raise NotImplementedError  # IPython then shows it as any other list
        for value in values:
            if isinstance(value, PlaceholderMessage):
                self._placeholder(value)
            else:
                self._draw(self.desk.surface(), value)

    def _list_html(self, values: list[Any]) -> str | None:
        """Show a list of messages as cards; None for any other list, which shows itself as ever."""
        if not _all_messages(values):
            return None
        return "".join(map(self._message_html, values))

    def _list_pretty(self, values: list[Any], printer: Any, cycle: bool) -> None:
        if len(printer.stack) <= 1 and _all_messages(values):
            printer.text("\n".join(map(message_text, values)))
        else:
            self._lists(values, printer, cycle)

    def _placeholder(self, message: PlaceholderMessage) -> None:
        surface = self.desk.surface()
        if message.done():
            self._draw(surface, message)
            return
        if self.desk.mode == "live" and placeholder_panel(self.desk, message, surface):
            return
        self._draw(surface, message)
        late = _Late(message, surface, self._draw)
        if self.desk.mode == "headless":
            self._late.append(late)
        else:
            flusher().add(late)
            message._promise.add_done_callback(lambda: flusher().mark(late))

    def _draw(self, surface: Surface, message: Msg) -> None:
        surface.show(self._message_html(message), message_text(message))

    def _agent(self, agent: AgentBase) -> AgentCardView:
        name = agent._name
        return AgentCardView(name, self.desk.color(name), f"an agent · its memory: `%agents show {name}`")

    def _memory(self, memory: TemporaryMemory) -> MemoryView:
        """Return a memory as it is shown; it does not know whose it is."""
        messages = tuple(memory.get_memory())
        colors = {name: self.desk.color(name) for name in {message.name for message in messages}}
        return MemoryView("", entries=messages, colors=colors)


def _all_messages(values: list[Any]) -> bool:
    return 0 < len(values) <= LISTED and all(isinstance(value, Msg) for value in values)


def _pretty(text: Callable[[Any], str]) -> Callable[[Any, Any, bool], None]:
    """Make a pretty-printer of a function; within a list or another value the short form is better."""

    def show(value: Any, printer: Any, cycle: bool) -> None:
        printer.text(text(value) if len(printer.stack) <= 1 else repr(value))

    return show
