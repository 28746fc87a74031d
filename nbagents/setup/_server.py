"""`SharedServer`: the agent server of a session, started in the background and revived when it dies."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import _loop
from ..exceptions import AgentServerError, AgentServerNotAliveError, NbAgentsError
from ..rpc import Connection, RpcAgentClient, ServerOptions, Spawned, connections, find_or_launch

if TYPE_CHECKING:
    from ..rpc import Attachment

__all__ = ["ServerStatus", "SharedServer"]

log = logging.getLogger(__name__)
STOP_SECONDS = 5.0
DYING_SECONDS = 2.0


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
    """The server that a session's agents live in. All methods are safe from any thread.

    ``on_ready`` is called each time that a server was found or has come up, with a client of it and
    whether there was another one before, on the thread that brought it up and before anybody else can
    use it.
    """

    def __init__(self, owner: str, *, on_ready: Callable[[RpcAgentClient, bool], object]) -> None:
        self.owner = owner
        self._on_ready = on_ready
        self._listeners: list[Callable[[ServerStatus], object]] = []
        self._status = ServerStatus("none", owner=owner)
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._attachment: Attachment | None = None
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
        from ..rpc import attachment

        with self._lock:
            known = self._connection
            if known is None or not _answers(known):
                known = self._bring_up()
            # From here on calls and requests share one stream, in the order in which they are made.
            self._attachment = attachment(known.address, known.token)
            return known

    def attach(self) -> Attachment | None:
        """Return the attachment to the server; None if it must come up first, by `ensure`. Never waits.

        Raises:
            AgentServerNotAliveError: it was stopped on purpose.
        """
        there = self._attachment
        if there is not None and there.is_open():
            return there
        if self._status.state == "stopped":
            raise AgentServerNotAliveError(
                "the agent server was stopped, and its agents with it",
                hint="run the cell that defines the agent again",
            )
        return None

    def client(self) -> RpcAgentClient:
        """Return a client of the server, which is brought up if need be. Blocking.

        Raises:
            AgentServerError: it cannot be brought up.
        """
        known = self.ensure()
        return RpcAgentClient(known.address, token=known.token)

    def stop(self) -> None:
        """Stop the server and all that runs in it; return when it has ended. Twice is fine."""
        with self._lock:
            known, self._connection = self._connection, None
            spawned, self._spawned = self._spawned, None
            self._attachment = None
            self._tell(ServerStatus("stopped", owner=self.owner))
            if known is not None and known.is_alive():
                _end(known)
            if spawned is not None:
                spawned.stop()

    def close(self) -> None:
        """Let go of the server: it ends if it belongs to this process, else it goes on. Twice is fine."""
        with self._lock:
            spawned, self._spawned = self._spawned, None
            if spawned is None or self.owner == "user":
                return
            self._connection = self._attachment = None
            self._tell(ServerStatus("stopped", owner=self.owner))
            spawned.stop()

    def _start_quietly(self) -> None:
        with contextlib.suppress(NbAgentsError):  # the status tells
            self.ensure()

    def _bring_up(self) -> Connection:
        again, self._attachment = self._starts > 0, None
        self._tell(ServerStatus("starting", owner=self.owner))
        if self._spawned is not None:
            self._spawned.stop()  # it has died: what it left is cleared away
            self._spawned = None
        try:
            connection, self._spawned = find_or_launch(ServerOptions(owner=self.owner))
        except NbAgentsError as error:
            self._tell(ServerStatus("failed", owner=self.owner, error=str(error)))
            raise
        self._connection = connection
        self._starts += 1
        try:
            self._on_ready(RpcAgentClient(connection.address, token=connection.token), again)
        except NbAgentsError as error:
            self._connection = None
            self._tell(ServerStatus("failed", owner=self.owner, error=str(error)))
            raise
        found = self._spawned is None
        self._tell(ServerStatus("ready", connection.server_id, connection.pid, connection.owner, found))
        return connection

    def _tell(self, status: ServerStatus) -> None:
        self._status = status
        for listener in list(self._listeners):
            try:
                listener(status)
            except Exception:
                log.exception("a listener failed on the server's status")

    @staticmethod
    def all_known() -> list[Connection]:
        """Return every server that this user's connection files tell of."""
        return connections()


def _answers(known: Connection) -> bool:
    """Does the server run? One that dies just now has closed its socket before it is gone."""
    from ..rpc import attachment

    limit = time.monotonic() + DYING_SECONDS
    while known.is_alive():
        there = attachment(known.address, known.token)
        if there.server_id and there.is_open():
            return True
        try:
            _loop.background().run(there.open())
        except AgentServerNotAliveError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.02)
    return False


def _end(known: Connection) -> None:
    try:
        RpcAgentClient(known.address, token=known.token).stop()
    except AgentServerError as error:
        log.info("the server does not answer: %s", error)
    for force in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        limit = time.monotonic() + STOP_SECONDS
        while known.is_alive():
            if time.monotonic() > limit:
                with contextlib.suppress(OSError):
                    os.kill(known.pid, force)
                break
            time.sleep(0.02)
        else:
            return
