"""`StateService`: what agents have become, by user, session and round. Knows plain data, no agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import StateCorruptError, UsageError
from ._leases import Leases
from ._plain import object_of, owner, text_of

__all__ = ["StateService"]

LATEST = (1 << 53) - 1
"""The largest round: what JSON, Lua and every database can count."""


class StateService(Leases):
    """Keeps states, as ``agent.state_dict()`` gives them, by user, session and round.

    A kind of it writes ``_save``, ``_load`` and what `Service` and `Leases` name. States are copied on the
    way in and out. Two saves at the same time, from whichever processes, get two rounds. What a save has
    returned from is kept as the kind of storage promises; a save that is cancelled may or may not be done.

    >>> import asyncio
    >>> from nbagents.services import InMemoryStateService
    >>> async def main():
    ...     async with InMemoryStateService() as service:
    ...         first = await service.save_state("ann", {"cups": 1})
    ...         await service.save_state("ann", {"cups": 2})
    ...         return await service.export_state("ann"), await service.export_state("ann", round_id=first)
    >>> asyncio.run(main())
    ({'cups': 2}, {'cups': 1})
    """

    async def save_state(
        self,
        user_id: str,
        state: Mapping[str, Any],
        session_id: str | None = None,
        round_id: int | None = None,
    ) -> int:
        """Keep a state and return its round: the one given, whose state it takes the place of, or the next.

        The first is 1. Without a ``session_id`` the session is "default".

        Raises:
            UsageError: an id or a round is none, or JSON cannot hold the state.
            ServiceNotStartedError: the service is not started.
            StorageError: it could not be kept.
        """
        user, session = owner(user_id, session_id)
        _check_round(round_id)
        if not isinstance(state, Mapping):
            raise UsageError(f"a state is a dictionary, not {type(state).__name__}")
        text = text_of(dict(state), f"the state of {user}")
        self._check_started()
        return await self._save(user, session, round_id, text)

    async def export_state(
        self, user_id: str, session_id: str | None = None, round_id: int | None = None
    ) -> dict[str, Any] | None:
        """Return the state of a round, of the latest without one; None if there is none.

        Raises:
            UsageError: an id or a round is none.
            ServiceNotStartedError: the service is not started.
            StateCorruptError: what is kept there is damaged; the message names it.
            StorageError: it could not be read.
        """
        user, session = owner(user_id, session_id)
        _check_round(round_id)
        self._check_started()
        text = await self._load(user, session, round_id)
        if text is None:
            return None
        try:
            return object_of(text)
        except ValueError as error:
            which = "latest round" if round_id is None else f"round {round_id}"
            raise StateCorruptError(
                f"the state of the user {user}, session {session}, {which}, in {self._where()} is damaged:"
                f" {str(error)[:200]}"
            ) from None

    # ---- what a kind of service writes

    async def _save(self, user: str, session: str, round_id: int | None, text: str) -> int:
        """Keep JSON text; return the round."""
        raise NotImplementedError

    async def _load(self, user: str, session: str, round_id: int | None) -> Any:
        """Return what is kept, whatever that is; None if nothing is."""
        raise NotImplementedError


def _check_round(round_id: Any) -> None:
    if round_id is None:
        return
    if not isinstance(round_id, int) or isinstance(round_id, bool) or not 0 <= round_id <= LATEST:
        raise UsageError(f"a round_id is a number from 0 on, not {round_id!r:.60}")
