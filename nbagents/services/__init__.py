"""Services: what agents have become and what was said, kept by user and session for whoever serves them.

`StateService` and `SessionHistoryService` say what is kept; each is there in this process, in a SQLite file
or PostgreSQL, and in Redis. They know messages and plain data, no agents, and load a database's library
when one of its services is made.
"""

from ._history import SessionHistoryService
from ._in_memory import InMemorySessionHistoryService, InMemoryStateService
from ._redis import RedisSessionHistoryService, RedisStateService
from ._service import Service
from ._session import Session
from ._session_memory import AgentScopeSessionHistoryMemory
from ._sql import SQLSessionHistoryService, SQLStateService
from ._state import StateService

__all__ = [
    "AgentScopeSessionHistoryMemory",
    "InMemorySessionHistoryService",
    "InMemoryStateService",
    "RedisSessionHistoryService",
    "RedisStateService",
    "SQLSessionHistoryService",
    "SQLStateService",
    "Service",
    "Session",
    "SessionHistoryService",
    "StateService",
]
