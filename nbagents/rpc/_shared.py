"""The one server that a user's notebooks share: found if it runs, launched if it does not."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ._locks import file_lock
from ._options import ServerOptions
from ._places import Connection, connection_folder, connections, journal_path, revivable
from ._spawn import START_SECONDS, Spawned

__all__ = ["find_or_launch", "find_shared"]


def find_shared() -> Connection | None:
    """Return this user's shared server for this interpreter and version, if it runs and is not stopped."""
    return next((c for c in connections() if c.fits_here() and not c.ending), None)


def find_or_launch(options: ServerOptions) -> tuple[Connection, Spawned | None]:
    """Return a server of the owner ``options.owner``; the second value if this process has launched it.

    Of the owner ``user`` there is one for all notebooks: two that start at once agree on one, and one that
    died is started again with what its journal holds. While one that was stopped ends its running calls,
    another takes its place, without its agents. Any other owner gets a server of its own. Blocking, about
    half a second for a launch.

    Raises:
        AgentServerError: it cannot be launched.
    """
    if options.owner == "user":
        known = find_shared()
        if known is not None:
            return known, None
        with file_lock(connection_folder() / "launch.lock", START_SECONDS):
            known = find_shared()
            if known is not None:
                return known, None
            return _launched(_in_place_of_the_dead(options))
    return _launched(options)


def _in_place_of_the_dead(options: ServerOptions) -> ServerOptions:
    """Return the options that revive the shared server that has died, or those of a fresh one."""
    dead = revivable()
    if dead is not None:
        options = replace(options, server_id=dead.server_id, address=dead.address, token=dead.token)
    elif options.server_id is None:
        options = replace(options, server_id=secrets.token_hex(4))
    return replace(options, journal=str(journal_path(options.server_id or "")))


def _launched(options: ServerOptions) -> tuple[Connection, Spawned]:
    spawned = Spawned.start(options)
    return spawned.connection, spawned
