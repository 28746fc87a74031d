"""Agents: actors that answer messages. They know models, memory and tools, and nothing above."""

from ._base import AgentBase
from ._call import Call, Remote, current_call, promised
from ._dialog import DialogAgent
from ._scheduler import scheduler, settled
from ._terminal import ask_in_terminal
from ._user import UserAgent

__all__ = [
    "AgentBase",
    "Call",
    "DialogAgent",
    "Remote",
    "UserAgent",
    "ask_in_terminal",
    "current_call",
    "promised",
    "scheduler",
    "settled",
]
