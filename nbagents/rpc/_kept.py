"""`KeptServer`: the server of a session that a custodian keeps, Jupyter as a rule, else the user's own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..exceptions import AgentServerError, AgentServerNotAliveError, NbAgentsError
from ._custody import custodian
from ._options import ServerOptions
from ._owned import OwnedServer
from ._places import Connection, connections
from ._shared import find_or_launch
from ._spawn import Spawned

if TYPE_CHECKING:
    from ._client import RpcAgentClient

__all__ = ["KeptServer"]


class KeptServer:
    """Finds the server of one session, as `OwnedServer` wants it: kept by Jupyter, else the user's own.

    Once Jupyter has kept it, the user's own one takes its place only when somebody asks for a server by
    hand: a kernel that outlives its Jupyter for a moment must leave nothing behind.
    """

    def __init__(self) -> None:
        self._kept, self._again = False, True

    @classmethod
    def owned(
        cls, options: ServerOptions, *, on_ready: Callable[[RpcAgentClient, str], object] | None = None
    ) -> OwnedServer:
        """Return an `OwnedServer` that finds its server so."""
        kept = cls()
        return OwnedServer(options, on_ready=on_ready, launch=kept, on_reset=kept.reset)

    def reset(self) -> None:
        """Hear that somebody asks for a server by hand, so that one that was given up is started again."""
        self._again = True

    def __call__(self, options: ServerOptions) -> tuple[Connection, Spawned | None]:
        """Return the server that Jupyter keeps for kernels like this one, else what `find_or_launch` finds.

        Of another owner than ``user`` it is always the latter.

        Raises:
            AgentServerError: neither can be had; or the Jupyter that kept it is gone.
        """
        if options.owner != "user":
            return find_or_launch(options)
        again, self._again = self._again, False
        keeper = custodian()
        connection: Connection | None = None
        if keeper is not None:
            try:
                connection = _found(keeper.ask(_wish(again=again)))
            except NbAgentsError as error:
                # It cannot start one for this interpreter, or is of another version: we may.
                if self._kept or isinstance(error, AgentServerNotAliveError):
                    raise
        if connection is not None:
            self._kept = True
            return connection, None
        if self._kept and not again:
            raise AgentServerNotAliveError(
                "the Jupyter server that kept the agents has ended, and they with it",
                hint="%agents server start",
            )
        self._kept = False
        return find_or_launch(options)


def _wish(*, again: bool) -> dict[str, Any]:
    return {"want": "server", "python": sys.executable, "version": __version__, "again": again}


def _found(answer: dict[str, Any] | None) -> Connection | None:
    if answer is None:
        return None
    for connection in connections():
        if connection.server_id == answer.get("server_id") and connection.is_alive():
            return connection
    raise AgentServerError("Jupyter named an agent server that is not there")
