"""`OwnedServer`: an agent server that this process brings up, watches over, and starts again when it dies."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from .. import _loop
from ..exceptions import (
    AgentCreationError,
    AgentServerError,
    AgentServerNotAliveError,
    NbAgentsError,
    ServerFailedError,
)
from ._client import RpcAgentClient
from ._deaths import Deaths
from ._lost import exit_text
from ._options import ServerOptions
from ._places import Connection, journal_path, normal_address, revivable
from ._server_status import ServerStatus
from ._shared import find_or_launch
from ._spawn import Spawned

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["OwnedServer", "owned_connections", "owner_of"]

log = logging.getLogger(__name__)
STOP_SECONDS = 12.0
"""How long a server that others use too may take to end its calls."""
DYING_SECONDS = 2.0
_all: weakref.WeakSet[OwnedServer] = weakref.WeakSet()


class OwnedServer:
    """A server of this process, or the one of its user. All methods are safe from any thread.

    ``on_ready`` is called each time that a server was found or has come up, before anybody else can use it,
    with a client of it and with what became of the one before: "" if there was none, "died" if this one was
    started in its place, under its id and from its journal, "ended" if it had been stopped by somebody. With
    ``eager`` a server that died is started again at once, and one that somebody stopped is not; else both
    are started when they are next needed. One that dies five times within a minute is not started again
    before `reset`, of which ``on_reset`` is told.
    """

    def __init__(
        self,
        options: ServerOptions,
        *,
        on_ready: Callable[[RpcAgentClient, str], object] | None = None,
        launch: Callable[[ServerOptions], tuple[Connection, Spawned | None]] = find_or_launch,
        eager: bool = False,
        on_reset: Callable[[], object] | None = None,
    ) -> None:
        self.owner = options.owner
        self.connection: Connection | None = None
        """How it is reached, or was."""
        self.spawned: Spawned | None = None
        self._options, self._on_ready, self._launch, self._eager = options, on_ready, launch, eager
        self._on_reset = on_reset
        self._listeners: list[Callable[[ServerStatus], object]] = []
        self._status = ServerStatus("none", owner=self.owner)
        self._lock = threading.RLock()
        self._attachment: Attachment | None = None
        self._up = False
        self._fate = ""
        self._deaths = Deaths()
        self._halt = threading.Event()
        _all.add(self)

    # ---- how it is

    def status(self) -> ServerStatus:
        """Return how it is now, as far as this process knows."""
        return self._status

    def on_status(self, listener: Callable[[ServerStatus], object]) -> None:
        """Call ``listener`` whenever the status changes, on whichever thread that happens."""
        self._listeners.append(listener)

    def is_alive(self) -> bool:
        """Does the process run, as far as this process knows?"""
        if self.spawned is not None:
            return self.spawned.is_alive()
        return self._up and self.connection is not None and self.connection.is_alive()

    def is_over(self) -> bool:
        """Has it ended, with nobody to start it again?"""
        given_up = self._deaths.given_up is not None
        return given_up or self._status.state == "stopped" or self.connection is None

    # ---- using it

    def start(self) -> None:
        """Bring the server up in the background; return at once."""
        self.reset()
        if self._status.state in ("none", "failed", "stopped"):
            self._tell(ServerStatus("starting", owner=self.owner))
        threading.Thread(target=self._ensure_quietly, name="nbagents-start", daemon=True).start()

    def reset(self) -> None:
        """Forget how often it has died, so that it is started again when it is needed."""
        self._deaths.forget()
        if self._on_reset is not None:
            self._on_reset()

    def ensure(self) -> Connection:
        """Return a connection to a server that runs, after bringing it up if need be. Blocking.

        Raises:
            ServerFailedError: it died again and again; the error holds the end of its log.
            AgentServerError: it cannot be brought up.
        """
        with self._lock:
            self._deaths.check()
            if self._eager and self._status.state == "stopped":
                raise self._stopped()
            known = self.connection
            left = known is not None and known.is_ending() and not self._eager
            if known is None or not self._up or left or not _answers(known):
                known = self._bring_up()
            from ._directory import attachment_to  # not before the server starts, which loads it meanwhile

            # From here on calls and requests share one stream, in the order in which they are made.
            self._attachment = attachment_to(known)
            return known

    def attach(self) -> Attachment | None:
        """Return the attachment to the server; None if it must come up first, by `ensure`. Never waits.

        Raises:
            AgentServerNotAliveError: it was stopped on purpose, or died again and again.
        """
        there = self._attachment
        if there is not None and there.is_open():
            return there
        self._deaths.check()
        if self._status.state == "stopped":
            raise self._stopped()
        return None

    def client(self) -> RpcAgentClient:
        """Return a client of the server, which is brought up if need be. Blocking.

        Raises:
            AgentServerError: it cannot be brought up.
        """
        known = self.ensure()
        return RpcAgentClient(known.address, token=known.token)

    def restart(self) -> Connection:
        """End the process and start it again, with what its agents remember; its calls fail. Blocking.

        Raises as `ensure`.
        """
        with self._lock:
            self.reset()
            if self._up and self.spawned is not None and self.connection is not None:
                self._up, self._fate = False, "died"
                self.spawned.kill()
                _see_the_end(self.connection)
            return self.ensure()

    # ---- ending it

    def stop(self) -> None:
        """Stop the server and all that runs in it; return when it has ended. Twice is fine.

        One that others use too first ends its running calls, within ten seconds.
        """
        self._halt.set()
        with self._lock:
            known, spawned = self.connection, self.spawned
            self._up, self._fate, self._attachment = False, "ended", None
            self._tell(ServerStatus("stopped", owner=self.owner))
            if spawned is not None and self.owner != "user":
                spawned.stop()
            else:
                if known is not None and known.is_alive():
                    _end(known)
                ours = self.owner == "user" and (known is None or known.owner == "user")
                dead = revivable() if ours else known
                if dead is not None:
                    dead.remove()
                    dead.remove_journal()
            self._halt.clear()

    def close(self) -> None:
        """Let go of the server: it ends if it belongs to this process, else it goes on. Twice is fine."""
        self._halt.set()
        with self._lock:
            self._halt.clear()
            if self.spawned is not None and self.owner != "user":
                self.stop()

    def release(self) -> None:
        """End a server that belongs to this process soon, and never start it again. Never waits."""
        self._halt.set()
        self._status = replace(self._status, state="stopped")
        if self.spawned is not None:
            self.spawned.let_go()
            if not self.spawned.is_alive() and self.owner != "user":
                self.spawned.connection.remove()
                self.spawned.connection.remove_journal()

    # ---- bringing it up

    def _ensure_quietly(self) -> None:
        with contextlib.suppress(NbAgentsError):  # the status tells
            self.ensure()

    def _bring_up(self) -> Connection:
        before = self._before()
        self._tell(ServerStatus("starting", owner=self.owner))
        while True:
            if self._halt.wait(self._deaths.pause()):
                raise self._stopped()
            try:
                connection = self._brought_up(before)
            except NbAgentsError as error:
                again = before == "died" and _may_pass(error)
                if again:
                    self._deaths.count(self.connection, str(error))
                if not again or self._deaths.given_up is not None:
                    failed = self._deaths.given_up or error
                    self._tell(ServerStatus("failed", owner=self.owner, error=str(failed)))
                    raise failed from None  # the next who needs it tries once more
            else:
                found = self.spawned is None
                self._tell(
                    ServerStatus("ready", connection.server_id, connection.pid, connection.owner, found)
                )
                return connection

    def _before(self) -> str:
        """Clear away the server before; return what became of it."""
        known, spawned, self._attachment = self.connection, self.spawned, None
        if known is None or not self._up:
            return self._fate
        self._up, self._fate = False, "ended"
        if known.is_ending():
            if spawned is not None:
                spawned.leave()
        elif known.path.exists():
            self._fate = "died"
            _see_the_end(known)
            status = spawned.ended() if spawned is not None else None
            self._deaths.count(known, f"it {exit_text(status) or 'has ended'}")
            if self._deaths.given_up is not None:
                self._tell(ServerStatus("failed", owner=self.owner, error=str(self._deaths.given_up)))
                self._deaths.check()
        return self._fate

    def _brought_up(self, before: str) -> Connection:
        options = self._options
        if self.owner != "user":
            known = self.connection
            if before == "died" and known is not None:
                options = replace(
                    options, server_id=known.server_id, address=known.address, token=known.token
                )
                if known.autogen:
                    options = replace(options, autogen_port=int(known.autogen.rpartition(":")[2]))
            else:
                options = replace(options, server_id=options.server_id or secrets.token_hex(4))
            if options.durable:
                options = replace(options, journal=str(journal_path(options.server_id or "")))
        connection, self.spawned = self._launch(options)
        self.connection = connection
        try:
            if self._on_ready is not None:
                self._on_ready(RpcAgentClient(connection.address, token=connection.token), before)
        except BaseException:
            if self.spawned is not None and before == "died":
                self.spawned.kill()  # what its journal holds stays
            elif self.spawned is not None:
                self.spawned.stop()
            raise
        self._up, self._fate = True, ""
        if self.spawned is not None and self._eager:
            ref = weakref.ref(self)
            threading.Thread(
                target=_watch, args=(ref, self.spawned), name="nbagents-watch", daemon=True
            ).start()
        return connection

    def _has_ended(self, spawned: Spawned) -> None:
        """See what is to be done about the end of a server, on the thread that watched it."""
        if (
            self._halt.is_set()
            or not self._up
            or self.spawned is not spawned
            or self._status.state == "stopped"
        ):
            return
        if spawned.connection.path.exists():
            self._ensure_quietly()
        else:  # it has cleared up, as one does that was stopped
            with self._lock:
                if self.spawned is spawned:
                    self._up = False
                    spawned.let_go()
                    self._tell(ServerStatus("stopped", owner=self.owner))

    def _stopped(self) -> AgentServerNotAliveError:
        return AgentServerNotAliveError(
            "the agent server was stopped, and its agents with it",
            hint="run the cell that defines the agent again",
        )

    def _tell(self, status: ServerStatus) -> None:
        self._status = status
        for listener in list(self._listeners):
            try:
                listener(status)
            except Exception:
                log.exception("a listener failed on the server's status")


def owned_connections() -> list[Connection]:
    """Return how those servers are reached that this process has brought up, and that run."""
    running = [owned for owned in list(_all) if owned.is_alive()]
    return [owned.connection for owned in running if owned.connection is not None]


def owner_of(address: str) -> OwnedServer | None:
    """Return who in this process brings up the server at an address, if anybody does. Any thread."""
    for owned in list(_all):
        known = owned.connection
        if known is not None and normal_address(known.address) == address:
            return owned
    return None


def _may_pass(error: NbAgentsError) -> bool:
    """May it go better when the server is started once more?"""
    final = AgentCreationError, ServerFailedError
    return isinstance(error, AgentServerError) and not isinstance(error, final)


def _watch(owner: weakref.ref[OwnedServer], spawned: Spawned) -> None:
    spawned.process.wait()
    owned = owner()
    if owned is not None:
        owned._has_ended(spawned)


def _answers(known: Connection) -> bool:
    """Does the server run? One that dies just now has closed its socket before it is gone."""
    from ._directory import attachment_to

    limit = time.monotonic() + DYING_SECONDS
    while known.is_alive():
        there = attachment_to(known)
        if there.server_id and there.is_open():
            return True
        try:
            _loop.background().run(there.open())
        except AgentServerNotAliveError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.02)
    return False


def _see_the_end(known: Connection) -> None:
    """Wait until the stream to a dead server has ended: the next one may listen at the same address."""
    from ._directory import attachment_to

    there, limit = attachment_to(known), time.monotonic() + DYING_SECONDS
    while there.server_id and there.is_open() and time.monotonic() < limit:
        time.sleep(0.005)


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
