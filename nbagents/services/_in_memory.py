"""`InMemoryStateService` and `InMemorySessionHistoryService`: what is kept while this process lives."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from ._history import SessionHistoryService
from ._leases import Leases
from ._state import StateService

__all__ = ["InMemorySessionHistoryService", "InMemoryStateService"]

Owner = tuple[str, str]


class _InMemory(Leases):
    """Sessions held in this process. A lock, since several loops and threads may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Owner, tuple[str, float]] = {}

    async def _take(self, user: str, session: str, holder: str, seconds: float) -> bool:
        now = time.monotonic()
        with self._lock:
            known, until = self._held.get((user, session), ("", 0.0))
            if known not in ("", holder) and until > now:
                return False
            self._held[user, session] = (holder, now + seconds)
            return True

    async def _give(self, user: str, session: str, holder: str) -> None:
        with self._lock:
            if self._held.get((user, session), ("",))[0] == holder:
                del self._held[user, session]


class InMemoryStateService(_InMemory, StateService):
    """States in this process; a stop forgets them."""

    def __init__(self) -> None:
        super().__init__()
        self._states: dict[Owner, dict[int, str]] = {}

    async def _close(self) -> None:
        self._states = {}

    async def _save(self, user: str, session: str, round_id: int | None, text: str) -> int:
        with self._lock:
            rounds = self._states.setdefault((user, session), {})
            n = max(rounds, default=0) + 1 if round_id is None else round_id
            rounds[n] = text
            return n

    async def _load(self, user: str, session: str, round_id: int | None) -> str | None:
        with self._lock:
            rounds = self._states.get((user, session), {})
            return rounds.get(max(rounds, default=0) if round_id is None else round_id)


class InMemorySessionHistoryService(_InMemory, SessionHistoryService):
    """Sessions in this process; a stop forgets them."""

    def __init__(self) -> None:
        super().__init__()
        self._sessions: dict[str, dict[str, list[str]]] = {}

    async def _close(self) -> None:
        self._sessions = {}

    async def _get(self, user: str, session: str) -> list[str]:
        with self._lock:
            return list(self._sessions.setdefault(user, {}).setdefault(session, []))

    async def _delete(self, user: str, session: str) -> None:
        with self._lock:
            sessions = self._sessions.get(user, {})
            sessions.pop(session, None)
            if not sessions:
                self._sessions.pop(user, None)

    async def _list(self, user: str) -> list[str]:
        with self._lock:
            return list(self._sessions.get(user, {}))

    async def _append(self, user: str, session: str, texts: Sequence[str]) -> None:
        with self._lock:
            self._sessions.setdefault(user, {}).setdefault(session, []).extend(texts)
