"""`Leases`: one request at a time in a session, over all processes that share what is kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from .._ids import new_id
from ..exceptions import NbAgentsError, SessionBusyError
from ._plain import owner
from ._service import Service

__all__ = ["Leases"]

log = logging.getLogger(__name__)

LEASE = 30.0
"""Seconds for which a session is held unless that is renewed: so long others wait for a dead process."""
LOOK = 0.05
"""Seconds between two looks at whether it is free."""


class Leases(Service):
    """A service whose sessions can be held."""

    @contextlib.asynccontextmanager
    async def locked(
        self, user_id: str, session_id: str | None = None, *, wait: float = 60.0
    ) -> AsyncIterator[None]:
        """Hold a session, so that no other request that does the same gets in between.

        Each single call of a service is whole by itself; this is for several of them: read a state, let an
        agent work, save what it has become. It is renewed while it is held. A process that is killed holds
        it for at most 30 seconds more, and one that stands still for longer loses it.
        Services on one database, or with one prefix in one Redis, share what is held.

        >>> from nbagents.services import InMemoryStateService
        >>> async def main():
        ...     async with InMemoryStateService() as service, service.locked("ann", "tea"):
        ...         return await service.save_state("ann", {"cups": 2}, "tea")
        >>> asyncio.run(main())
        1

        Raises:
            SessionBusyError: it was not free within ``wait`` seconds; 0 is for those who do not wait.
        """
        user, session = owner(user_id, session_id)
        self._check_started()
        holder, loop = new_id(), asyncio.get_running_loop()
        until, renewing = loop.time() + wait, None
        try:
            while not await self._take(user, session, holder, LEASE):
                if loop.time() >= until:
                    raise SessionBusyError(
                        f"another request holds the session {session} of {user}",
                        hint="ask again when it has ended, or give a longer wait=",
                    )
                await asyncio.sleep(LOOK)
            renewing = loop.create_task(self._renew(user, session, holder))
            yield
        finally:
            if renewing is not None:
                renewing.cancel()
            await asyncio.shield(self._let_go(user, session, holder))

    async def _renew(self, user: str, session: str, holder: str) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                kept = await self._take(user, session, holder, LEASE)
            except NbAgentsError as error:  # the next time may do
                log.warning("the hold on the session %s of %s was not renewed: %s", session, user, error)
                continue
            if not kept:
                log.error("the session %s of %s was held for too long without a sign", session, user)
                return

    async def _let_go(self, user: str, session: str, holder: str) -> None:
        try:
            await self._give(user, session, holder)
        except NbAgentsError as error:  # it ends by itself
            log.warning("the hold on the session %s of %s was not ended: %s", session, user, error)

    # ---- what a kind of service writes

    async def _take(self, user: str, session: str, holder: str, seconds: float) -> bool:
        """Hold a session, or go on holding it, for so long from now; False if somebody else does."""
        raise NotImplementedError

    async def _give(self, user: str, session: str, holder: str) -> None:
        """Let go of it, if this one holds it."""
        raise NotImplementedError
