"""`RedisStateService` and `RedisSessionHistoryService`: what is kept in Redis, for a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..exceptions import UsageError
from ._history import SessionHistoryService
from ._leases import Leases
from ._scripts import APPEND, DELETE, EXPORT, GET, GIVE, LIST, SAVE, TAKE
from ._state import StateService

__all__ = ["RedisSessionHistoryService", "RedisStateService"]

URL = "redis://localhost:6379/0"


class _Redis(Leases):
    """A Redis server that is connected with the service. Its library is loaded when one is made."""

    def __init__(
        self,
        redis_url: str = URL,
        *,
        ttl_seconds: float | None = 3600,
        prefix: str = "nbagents",
        insecure: bool = False,
    ) -> None:
        try:
            from ._redis_client import RedisClient
        except ImportError as error:
            raise UsageError(
                f"services in Redis need {error.name}", hint="pip install 'jupyter-nbagents[redis]'"
            ) from None
        if ttl_seconds is not None and not ttl_seconds > 0:
            raise UsageError(f"ttl_seconds is a time in seconds, or None for ever, not {ttl_seconds!r:.60}")
        self._client = RedisClient(redis_url, prefix, insecure=insecure)
        self._ttl = "" if ttl_seconds is None else str(max(1, round(ttl_seconds * 1000)))

    async def _open(self) -> None:
        await self._client.open()

    async def _close(self) -> None:
        await self._client.close()

    async def _ask(self) -> None:
        await self._client.ping()

    def _where(self) -> str:
        return self._client.name

    async def _take(self, user: str, session: str, holder: str, seconds: float) -> bool:
        key = self._client.key(user, "lock", session)
        return bool(await self._client.run(TAKE, [key], holder, str(round(seconds * 1000))))

    async def _give(self, user: str, session: str, holder: str) -> None:
        await self._client.run(GIVE, [self._client.key(user, "lock", session)], holder)


class RedisStateService(_Redis, StateService):
    """States in Redis. Those of a session are forgotten ``ttl_seconds`` after it was last read or saved.

    ``None`` keeps them for ever. Keys begin with ``prefix``; services and processes may share one. How much
    is lost when the Redis server itself dies is for its own settings to say: nothing that a save has
    returned from with ``appendonly yes`` and ``appendfsync always``, about the last second with
    ``everysec``, all since the last snapshot without. The end of this process loses nothing. Another
    machine must be reached by TLS (``rediss://``), unless ``insecure`` says that the network is trusted.

    Raises:
        UsageError: redis is not installed, or the address, the prefix or the time is refused.
    """

    async def _save(self, user: str, session: str, round_id: int | None, text: str) -> int:
        given = "" if round_id is None else str(round_id)
        return int(await self._client.run(SAVE, [self._key(user, session)], given, text, self._ttl))

    async def _load(self, user: str, session: str, round_id: int | None) -> Any:
        given = "" if round_id is None else str(round_id)
        return _text(await self._client.run(EXPORT, [self._key(user, session)], given, self._ttl))

    def _key(self, user: str, session: str) -> str:
        return self._client.key(user, "state", session)


class RedisSessionHistoryService(_Redis, SessionHistoryService):
    """Sessions in Redis; the arguments, and what they promise, are those of `RedisStateService`."""

    async def _get(self, user: str, session: str) -> Sequence[Any]:
        return list(map(_text, await self._client.run(GET, self._keys(user, session), session, self._ttl)))

    async def _delete(self, user: str, session: str) -> None:
        await self._client.run(DELETE, self._keys(user, session), session)

    async def _list(self, user: str) -> Sequence[str]:
        names = await self._client.run(LIST, [self._client.key(user, "sessions")], self._key(user, ""))
        return [name.decode(errors="replace") for name in names]

    async def _append(self, user: str, session: str, texts: Sequence[str]) -> None:
        await self._client.run(APPEND, self._keys(user, session), session, self._ttl, *texts)

    def _key(self, user: str, session: str) -> str:
        return self._client.key(user, "session", session)

    def _keys(self, user: str, session: str) -> list[str]:
        return [self._key(user, session), self._client.key(user, "sessions")]


def _text(value: Any) -> Any:
    """Return text as text; what is none stays as it is, to be refused by name."""
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value
