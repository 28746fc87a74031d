"""Widgets: what is live in a notebook: runs, questions, memories, chats, apps.

Knows runs and how they are rendered; knows no magics and no servers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._ahead import load_ahead
from ._card import RunCard
from ._flusher import Flusher, flusher
from ._question_card import QuestionCard
from ._surface import Mode, Surface, mode_of, widgets_seen

if TYPE_CHECKING:
    from ._chat_widget import ChatWidget
    from ._memory_widget import MemoryWidget
    from ._message_widget import MessageWidget, PlaceholderWidget
    from ._serving_widget import ServingWidget

__all__ = [
    "ChatWidget",
    "Flusher",
    "MemoryWidget",
    "MessageWidget",
    "Mode",
    "PlaceholderWidget",
    "QuestionCard",
    "RunCard",
    "ServingWidget",
    "Surface",
    "flusher",
    "load_ahead",
    "mode_of",
    "widgets_seen",
]

# Each loads anywidget, and is loaded where it is used.
_HOME = {
    "ChatWidget": "_chat_widget",
    "MemoryWidget": "_memory_widget",
    "MessageWidget": "_message_widget",
    "PlaceholderWidget": "_message_widget",
    "ServingWidget": "_serving_widget",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'nbagents.widgets' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
