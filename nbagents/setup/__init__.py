"""The notebook's, or the script's, side of its agents: which server, which workspace, which model.

Knows no notebook: whoever does opens the session and says who is there.
"""

from ..rpc import ServerStatus
from ._about import AgentInfo, Definition
from ._agent import agent
from ._current import close_session, open_session, session
from ._doctor import Finding
from ._init import init, state_dict
from ._rewind import rewind
from ._session import Session
from ._usage import llm_usage, print_llm_usage

__all__ = [
    "AgentInfo",
    "Definition",
    "Finding",
    "ServerStatus",
    "Session",
    "agent",
    "close_session",
    "init",
    "llm_usage",
    "open_session",
    "print_llm_usage",
    "rewind",
    "session",
    "state_dict",
]
