"""Widgets: what is live in a notebook: runs, questions, memories, chats.

Knows runs and how they are rendered; knows no magics and no servers.
"""

from ._card import RunCard
from ._flusher import Flusher, flusher
from ._question_card import QuestionCard
from ._surface import Mode, Surface, mode_of

__all__ = ["Flusher", "Mode", "QuestionCard", "RunCard", "Surface", "flusher", "mode_of"]
