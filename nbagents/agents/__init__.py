"""Agents: actors that answer messages. They know models, memory and tools, and nothing above."""

from ._base import AgentBase
from ._call import Call, Remote, Way, current_call, mark_open, mark_over, peek, promised
from ._dialog import DialogAgent
from ._options import call_options, idempotency_key
from ._scheduler import scheduler, settled
from ._spread import spread
from ._terminal import ask_in_terminal
from ._user import UserAgent

__all__ = [
    "AgentBase",
    "Call",
    "DialogAgent",
    "Remote",
    "UserAgent",
    "Way",
    "ask_in_terminal",
    "call_options",
    "current_call",
    "idempotency_key",
    "mark_open",
    "mark_over",
    "peek",
    "promised",
    "scheduler",
    "settled",
    "spread",
]
