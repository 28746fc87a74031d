"""Widgets: what is live in a notebook: runs, questions, memories, chats, apps.

Knows runs and how they are rendered; knows no magics and no servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy
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
__getattr__, __dir__ = lazy(
    __name__,
    {
        "_chat_widget": "ChatWidget",
        "_memory_widget": "MemoryWidget",
        "_message_widget": "MessageWidget PlaceholderWidget",
        "_serving_widget": "ServingWidget",
    },
)
