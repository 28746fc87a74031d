"""`SharedServer`: the agent server of a session, started in the background and revived when it dies."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..exceptions import AgentServerError, AgentServerNotAliveError, NbAgentsError
from ..rpc import Attachment, Connection, RpcAgentClient, ServerOptions, Spawned, attachment, connections, find_or_launch

__all__ = ["ServerStatus", "SharedServer"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """How the server is: ``state`` is "none", "starting", "ready", "failed" or "stopped"."""

    state: str
    server_id: str = ""
    pid: int = 0
    owner: str = ""
    found: bool = False
    """Was it running already?"""
    error: str = ""


class SharedServer:
    """The server that a session's agents live in. All methods are safe from any thread."""

    def __init__(self, owner: str, *, on_ready: Callable[[bool], object]) -> None:
        self.owner = owner
        self._on_ready = on_ready
        self._listeners: list[Callable[[ServerStatus], object]] = []
        self._status = ServerStatus("none", owner=owner)
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._spawned: Spawned | None = None
        self._starts = 0

    def status(self) -> ServerStatus:
        """Return how it is now, as far as this process knows."""
        return self._status

    def on_status(self, listener: Callable[[ServerStatus], object]) -> None:
        """Call ``listener`` whenever the status changes, on whichever thread that happens."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Bring the server up in the background; return at once."""
        if self._status.state in ("none", "failed", "stopped"):
            self._tell(ServerStatus("starting", owner=self.owner))
        threading.Thread(target=self._start_quietly, name="nbagents-start", daemon=True).start()

    def ensure(self) -> Connection:
        """Return a connection to a server that runs, after bringing it up if need be. Blocking.

        Raises:
            AgentServerError: it cannot be brought up.
        """
        with self._lock:
            known = self._connection
            if known is not None and known.is_alive() and attachment(known.address, known.token).is_open():
                return known
            return self._bring_up()

    def attach(self) -> Attachment:
        """Return the attachment to the server that runs; never waits.

        Raises:
            AgentServerNotAliveError: none runs.
        """
        known = self._connection
        if known is None or not known.is_alive():
            if known is not None:
                self.start()
            raise AgentServerNotAliveError(
                "the agent server is gone: it has ended, or was killed", hint="run the cell again; a new one is starting"
            )
        return attachment(known.address, known.token)

    def client(self) -> RpcAgentClient:
        """Return a client of the server, which is brought up if need be. Blocking."""
        known = self.ensure()
        return RpcAgentClient(known.address, token=known.token)

    def stop(self) -> None:
        """Stop the server and all that runs in it. Twice is fine."""
        with self._lock:
            known, self._connection = self._connection, None
            spawned, self._spawned = self._spawned, None
            self._tell(ServerStatus("stopped", owner=self.owner))
            if known is not None and known.is_alive():
                try:
                    RpcAgentClient(known.address, token=known.token).stop()
                except NbAgentsError as error:
                    log.info("the server was gone already: %s", error)
            if spawned is not None:
                spawned.stop()

    def close(self) -> None:
        """Let go of the server: it ends if it belongs to this process, else it goes on."""
        with self._lock:
            spawned, self._spawned = self._spawned, None
            if spawned is not None and self.owner == "process":
                spawned.stop()

    def _start_quietly(self) -> None:
        try:
            self.ensure()
        except AgentServerError:
            log.debug("the server could not be started", exc_info=True)  # the status tells

    def _bring_up(self) -> Connection:
        again = self._starts > 0
        self._tell(ServerStatus("starting", owner=self.owner))
        try:
            connection, spawned = find_or_launch(ServerOptions(owner=self.owner))
        except NbAgentsError as error:
            self._tell(ServerStatus("failed", owner=self.owner, error=str(error)))
            raise
        self._connection = connection
        if spawned is not None:
            self._spawned = spawned
        self._starts += 1
        # Ready before the callback: what it does to the new server must find it.
        self._on_ready(again)
        self._tell(ServerStatus("ready", connection.server_id, connection.pid, connection.owner, spawned is None))
        return connection

    def _tell(self, status: ServerStatus) -> None:
        self._status = status
        for listener in list(self._listeners):
            listener(status)

    @staticmethod
    def all_known() -> list[Connection]:
        """Return every server that this user's connection files tell of."""
        return connections()
