"""What lives in a cell's output besides a run: an agent's memory, a chat, a message that fills itself.

Only where somebody watches; elsewhere the same is shown as a text.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ..agents import AgentBase
from ..exceptions import UsageError
from ..message import PlaceholderMessage
from ..widgets import Surface
from ._desk import Desk
from ._specs import CommonOptions

__all__ = ["chat_panel", "placeholder_panel", "show_panel", "shows_widgets"]

log = logging.getLogger(__name__)


def show_panel(desk: Desk, agent: AgentBase) -> bool:
    """Show an agent's memory so that it can be changed; False where that cannot be."""
    if not shows_widgets(desk):
        return False
    try:
        from ..widgets import MemoryWidget

        panel = MemoryWidget(agent, color_of=desk.color)
    except UsageError as error:
        log.debug("%s has no panel: %s", agent._name, error)
        return False
    panel.put(desk.surface())
    return True


def chat_panel(desk: Desk, agents: Mapping[str, AgentBase]) -> bool:
    """Show a chat with these agents; False where that cannot be."""
    if not shows_widgets(desk):
        return False
    from ..widgets import ChatWidget

    panel = ChatWidget(
        agents,
        color_of=desk.color,
        server=desk.session.status().server_id,
        limits=lambda: desk.limits(CommonOptions()),
    )
    panel.put(desk.surface())
    return True


def placeholder_panel(desk: Desk, message: PlaceholderMessage, surface: Surface) -> bool:
    """Show a message that has not arrived, so that it fills itself; False where that cannot be."""
    if not shows_widgets(desk):
        return False
    from ..widgets import PlaceholderWidget

    PlaceholderWidget(message, color_of=desk.color, server=desk.session.status().server_id).put(surface)
    return True


def shows_widgets(desk: Desk) -> bool:
    """Can the front-end be sent widgets at all?"""
    return hasattr(getattr(desk.shell, "kernel", None), "comm_manager")
