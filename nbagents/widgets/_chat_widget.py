"""`ChatWidget`: a person talks with agents in the page.

Loads anywidget, and is therefore loaded itself only where somebody watches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from .._ids import new_id
from ..agents import STOPPED, AgentBase, scheduler
from ..budget import Limits
from ..exceptions import NbAgentsError, UsageError
from ..render import run_html, run_text
from ..runs import Chat
from ._changes import Changes
from ._esm import css, esm
from ._flusher import flusher
from ._live import AT_REST, LiveWidget
from ._surface import Surface

__all__ = ["ChatWidget"]


class ChatWidget(LiveWidget):
    """A chat with one or several agents: streaming, stop, say anew, copy, export.

    ``server`` is the id of the agents' server, where they live in one: the page's stop buttons reach it there
    however busy the kernel is.

    Raises:
        UsageError: there is no agent.
    """

    _esm = esm("rows", "chat")
    _css = css("rows", "chat")

    def __init__(
        self,
        agents: Mapping[str, AgentBase] | Iterable[AgentBase],
        *,
        color_of: Callable[[str], int | None] | None = None,
        server: str | None = None,
        limits: Callable[[], Limits | None] | None = None,
    ) -> None:
        self.chat = Chat(agents, color_of=color_of, limits=limits)
        self._changes = Changes({"key": new_id(), "server": server, "agents": list(self.chat.agents)})
        self._error: dict[str, str] | None = None
        self._drawing = threading.Lock()
        self._surface: Surface | None = None
        super().__init__(self._take()[0])
        self.chat.watch(lambda: flusher().mark(self))

    def put(self, surface: Surface) -> None:
        """Show it in the cell. Its twin for pages without widgets follows at the end of each turn."""
        self._surface = surface
        self._publish_all()
        self.stay()

    @property
    def busy(self) -> bool:
        """Is somebody answering?"""
        return self.chat.busy

    def retire(self) -> None:
        """Freeze it; what was said stays to be read."""
        with self._drawing:
            surface, self._surface = self._surface, None
            if surface is not None:
                view = replace(self.chat.view(), outcome=AT_REST)
                self.freeze(surface, run_html(view), run_text(view))

    def refresh(self) -> bool:
        """Tell the page what has changed; return whether somebody is answering. The flusher calls this."""
        with self._drawing:
            goes_on = self.chat.busy
            view, change = self._take()
            if goes_on:
                self.publish(view, change, self._changes.size)
            else:
                self._sync(view, 0)
        if not goes_on:
            self._publish_all()
        return goes_on

    def heard(self, kind: str, content: dict[str, Any]) -> None:
        """Say what the page says, once the kernel has heard of it."""
        if kind != "say":
            return
        if self._surface is not None:
            self.stay()
        text, message_id = str(content.get("text", "")), content.get("instead")
        self._error = None
        try:
            if message_id:
                self.chat.resend(str(message_id), text)
            else:
                self.chat.say(text)
        except NbAgentsError as error:
            self._error = {"text": text, "why": str(error)}
        flusher().add(self)

    def acted(self, path: str, body: dict[str, Any]) -> Any:
        """Stop an answer or all of them, or export what was said."""
        match body.get("do"):
            case "stop":
                return {"stopped": self.chat.stop()}
            case "export":
                return {"markdown": self.chat.to_markdown()}
        call = scheduler().live.get(str(body.get("call")))
        if call is None:
            raise UsageError("that answer is over already")
        call.cancel(STOPPED)
        return {"stopped": 1}

    def _take(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        view, change = self._changes.take(self.chat.view(live=True))
        trouble = {"text": "", "why": self.chat.trouble} if self.chat.trouble else None
        more = {"error": self._error or trouble, "anew": self.chat.said_here}
        if change is not None:
            change["run"] = {**change.get("run", {}), **more}
        return {**view, **more}, change

    def _publish_all(self) -> None:
        if self._surface is not None:
            view = self.chat.view()
            self.show(self._surface, run_html(view), run_text(view))
