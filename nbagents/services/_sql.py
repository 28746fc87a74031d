"""`SQLStateService` and `SQLSessionHistoryService`: what is kept in a SQLite file, or in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..exceptions import UsageError
from ._history import SessionHistoryService
from ._leases import Leases
from ._state import StateService

__all__ = ["FILE", "SQLSessionHistoryService", "SQLStateService"]

FILE = "nbagents.db"
"""The file in the working folder that is taken where no database is named."""


class _SQL(Leases):
    """A database that is opened with the service. SQLAlchemy is loaded when one is made, not before."""

    def __init__(self, url: str | Path = FILE, *, insecure: bool = False) -> None:
        try:
            from ._database import Database
        except ImportError as error:
            raise UsageError(
                f"services in a database need {error.name}", hint="pip install 'jupyter-nbagents[database]'"
            ) from None
        self._database = Database(url, insecure=insecure)

    async def _open(self) -> None:
        await self._database.open()

    async def _close(self) -> None:
        await self._database.close()

    async def _ask(self) -> None:
        from ._rows import names

        await self._database.run(names, "")

    def _where(self) -> str:
        return self._database.name

    async def _take(self, user: str, session: str, holder: str, seconds: float) -> bool:
        from ._rows import take

        return await self._database.run(take, (user, session), holder, seconds)

    async def _give(self, user: str, session: str, holder: str) -> None:
        from ._rows import give

        await self._database.run(give, (user, session), holder)


class SQLStateService(_SQL, StateService):
    """States in a database.

    ``url`` is a file's path, ``sqlite:///file`` or ``postgresql://user:password@host/database``; services
    and processes may share one. It is asked on one thread, each call in a transaction of its own, so what a
    call has returned from is kept also if the process is killed at once. Another machine must be reached
    by TLS with a checked certificate (``?sslmode=verify-full``), unless ``insecure`` says that the network
    is trusted.

    Raises:
        UsageError: SQLAlchemy is not installed, or the address is refused.
    """

    async def _save(self, user: str, session: str, round_id: int | None, text: str) -> int:
        from ._rows import save

        return await self._database.run(save, (user, session), round_id, text)

    async def _load(self, user: str, session: str, round_id: int | None) -> Any:
        from ._rows import load

        return await self._database.run(load, (user, session), round_id)


class SQLSessionHistoryService(_SQL, SessionHistoryService):
    """Sessions in a database; the arguments, and what they promise, are those of `SQLStateService`."""

    async def _get(self, user: str, session: str) -> Sequence[Any]:
        from ._rows import get

        return await self._database.run(get, (user, session))

    async def _delete(self, user: str, session: str) -> None:
        from ._rows import forget

        await self._database.run(forget, (user, session))

    async def _list(self, user: str) -> Sequence[str]:
        from ._rows import names

        return await self._database.run(names, user)

    async def _append(self, user: str, session: str, texts: Sequence[str]) -> None:
        from ._rows import append

        await self._database.run(append, (user, session), texts)
