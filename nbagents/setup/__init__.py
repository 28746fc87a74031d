"""The notebook's, or the script's, side of its agents: which server, which workspace, which model.

Knows no notebook: whoever does opens the session and says who is there.
"""

from ..rpc import ServerStatus
from ._about import AgentInfo, Definition
from ._agent import agent, init
from ._doctor import Finding
from ._session import Session, close_session, open_session, session

__all__ = [
    "AgentInfo",
    "Definition",
    "Finding",
    "ServerStatus",
    "Session",
    "agent",
    "close_session",
    "init",
    "open_session",
    "session",
]
