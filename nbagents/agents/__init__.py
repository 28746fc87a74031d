"""Agents: actors that answer messages. They know models, memory and tools, and nothing above.

The kinds of agents that come along are loaded at first use: whoever calls an agent of a server needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy
from ._arguments import promised, promises, snapshot
from ._base import AgentBase
from ._call import Call, Remote, Way, current_call, mark_open, mark_over, peek
from ._hooked_way import FAR_KINDS, HookedWay
from ._hooks import hooks_of
from ._keeping import Kept
from ._options import call_options, idempotency_key
from ._printed import Listener, told_elsewhere
from ._revising import REVISE, revise
from ._scheduler import scheduler, settled
from ._spread import begin, spread
from ._state import APART, STEADY, UNFIT, apart, freeze, frozen, remembered, thaw
from ._stopped import STOPPED, ended_because
from ._terminal import ask_in_terminal  # it is who asks where nobody else does, from here on

if TYPE_CHECKING:
    from ._a2a_agent import A2AAgent
    from ._dialog import DialogAgent
    from ._dict_dialog import DictDialogAgent, change_parser, own_parser
    from ._react import ReActAgent
    from ._text_to_image import TextToImageAgent
    from ._user import UserAgent

__all__ = [
    "APART",
    "FAR_KINDS",
    "REVISE",
    "STEADY",
    "STOPPED",
    "UNFIT",
    "A2AAgent",
    "AgentBase",
    "Call",
    "DialogAgent",
    "DictDialogAgent",
    "HookedWay",
    "Kept",
    "Listener",
    "ReActAgent",
    "Remote",
    "TextToImageAgent",
    "UserAgent",
    "Way",
    "apart",
    "ask_in_terminal",
    "begin",
    "call_options",
    "change_parser",
    "current_call",
    "ended_because",
    "freeze",
    "frozen",
    "hooks_of",
    "idempotency_key",
    "mark_open",
    "mark_over",
    "own_parser",
    "peek",
    "promised",
    "promises",
    "remembered",
    "revise",
    "scheduler",
    "settled",
    "snapshot",
    "spread",
    "thaw",
    "told_elsewhere",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_a2a_agent": "A2AAgent",
        "_dialog": "DialogAgent",
        "_dict_dialog": "DictDialogAgent change_parser own_parser",
        "_react": "ReActAgent",
        "_text_to_image": "TextToImageAgent",
        "_user": "UserAgent",
    },
)
