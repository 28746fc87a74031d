"""`Fleet`: the agent servers that this Jupyter keeps, one for each interpreter, and what it knows of others.

Servers of the same user that somebody else keeps are shown and can be stopped, but are not watched over.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import _loop
from .._version import __version__
from ..exceptions import (
    AgentServerError,
    AgentServerNotAliveError,
    NbAgentsError,
    ProtocolError,
    UsageError,
    VersionMismatchError,
)
from ..rpc import Connection, RpcAgentClient, connections

if TYPE_CHECKING:
    from ..rpc import OwnedServer

__all__ = ["Fleet", "Known", "UnknownServerError"]

log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
"""How often it is asked whether calls run,"""
GLIMPSE_SECONDS = 2.0
"""and how long a server may take to answer that."""
LEAVE_SECONDS = 60.0
"""After which a server of somebody else, which ends by itself without clients, is left."""
END_SECONDS = 15.0


class UnknownServerError(AgentServerNotAliveError):
    """No server of that id is known."""


@dataclass(frozen=True, slots=True)
class Known:
    """One server: how it is reached, and who keeps it, if we do."""

    connection: Connection
    owned: OwnedServer | None

    @property
    def foreign(self) -> bool:
        """Is it on another machine?"""
        return self.owned is None and self.connection.is_foreign()


class Fleet:
    """All servers that a page may be shown. Methods block where they say so; they are safe from any thread.

    ``on_calls`` is called every few seconds while calls run in a server that is kept here.
    """

    def __init__(self, on_calls: Callable[[], object] = lambda: None) -> None:
        self._on_calls = on_calls
        self._owned: dict[str, OwnedServer] = {}
        self._calls: dict[str, int] = {}
        self._visited: dict[str, tuple[float, RpcAgentClient]] = {}
        self._lock = threading.Lock()
        self._ending, self._looking = threading.Event(), False

    # ---- keeping servers

    def give(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Answer a kernel that wants a server for its interpreter: the id of one that runs. Blocking.

        Raises:
            AgentServerNotAliveError: Jupyter is ending; or the server died again and again.
            VersionMismatchError, UsageError, AgentServerError: the kernel must start one by itself.
        """
        python, version = wish.get("python"), wish.get("version")
        if wish.get("want") != "server" or not isinstance(python, str):
            raise ProtocolError("Jupyter gives servers, for an interpreter")
        if version != __version__:
            raise VersionMismatchError(
                f"Jupyter runs nbagents {__version__}, the kernel {str(version)[:40]}: restart Jupyter"
            )
        return {"server_id": self.bring_up(python, again=bool(wish.get("again"))).server_id}

    def bring_up(self, python: str | None = None, *, again: bool = False) -> Connection:
        """Return the server for an interpreter, by default Jupyter's own, started if need be. Blocking.

        ``again`` also starts one that was given up.

        Raises as `give`.
        """
        from ..rpc import OwnedServer, ServerOptions  # Jupyter starts without what they load

        python = python or sys.executable
        with self._lock:
            if self._ending.is_set():
                raise AgentServerNotAliveError("this Jupyter server is ending, and its agent servers with it")
            owned = self._owned.get(python)
            if owned is None or owned.status().state == "stopped" or _is_left(owned):
                options = ServerOptions(owner="jupyter", python=python)
                options.check()
                owned = self._owned[python] = OwnedServer(options, eager=True)
        if again:
            owned.reset()
        connection = owned.ensure()
        if self._ending.is_set():  # it has come up while the others were ended
            owned.close()
        self._look_around()
        return connection

    def restart(self, known: Known) -> Connection:
        """End a server and start it again; its agents remember what they did. Blocking.

        Raises:
            UsageError: somebody else keeps it.
            AgentServerError: it cannot be started.
        """
        if known.owned is None:
            raise UsageError(
                f"this Jupyter server does not keep the agent server {known.connection.server_id}, and cannot"
                " restart it",
                hint="stop it: its notebook starts it again when it is needed",
            )
        return known.owned.restart()

    def stop(self, known: Known) -> None:
        """Stop a server and all its agents; return when it has ended. Blocking.

        Raises:
            UsageError: it is on another machine.
            AgentServerError: it does not end.
        """
        if known.owned is not None:
            known.owned.stop()
            return
        self.client(known).stop()
        limit = time.monotonic() + END_SECONDS
        while known.connection.is_alive():
            if time.monotonic() > limit:
                raise AgentServerError(f"the agent server {known.connection.server_id} does not end")
            time.sleep(0.05)

    def close(self) -> None:
        """End all servers that are kept here, at the same time. Blocking, seconds at most; twice is fine."""
        with self._lock:
            self._ending.set()
            owned = list(self._owned.values())
        threads = [threading.Thread(target=each.close, daemon=True) for each in owned]
        for thread in threads:
            thread.start()
        limit = time.monotonic() + END_SECONDS
        for thread in threads:
            thread.join(max(0.0, limit - time.monotonic()))

    def release(self) -> None:
        """End them soon. Never waits."""
        self._ending.set()
        for owned in list(self._owned.values()):
            owned.release()

    # ---- knowing servers

    def calls(self) -> dict[str, int]:
        """Return how many calls ran in each server that is kept here, as of a few seconds ago."""
        return dict(self._calls)

    def known(self) -> list[Known]:
        """Return all servers of this user, those that are kept here first."""
        with self._lock:
            owned = list(self._owned.values())
        kept = [
            Known(each.connection, each)
            for each in owned
            if each.connection is not None and not _is_gone(each, each.connection)
        ]
        ids = {each.connection.server_id for each in kept}
        others = [Known(each, None) for each in connections() if each.server_id not in ids]
        return kept + others

    def find(self, server_id: str) -> Known:
        """Return the server of that id.

        Raises:
            UnknownServerError: there is none.
        """
        for known in self.known():
            if known.connection.server_id == server_id:
                return known
        raise UnknownServerError(f"no agent server of yours has the id {server_id[:60]!r}")

    def client(self, known: Known) -> RpcAgentClient:
        """Return a client; all of one server share one connection, which is kept.

        Raises:
            UsageError: it is on another machine.
        """
        if known.foreign:
            raise UsageError(
                f"the agent server {known.connection.server_id} is on {known.connection.host}: ask it there"
            )
        client = RpcAgentClient(known.connection.address, token=known.connection.token)
        if known.owned is None:
            self._visited[known.connection.server_id] = time.monotonic(), client
            self._look_around()
        return client

    async def about(self, known: Known) -> dict[str, Any]:
        """Return what a page is shown of a server. From any loop; asks the server, for a moment at most."""
        connection = known.connection
        state = "foreign" if known.foreign else known.owned.status().state if known.owned else "ready"
        info: dict[str, Any] = {}
        if state == "ready":
            loop = _loop.background()
            try:
                info = await loop.cross(_glimpse(self.client(known)))
            except (NbAgentsError, TimeoutError, ValueError):
                state = "silent"
        return {
            "id": connection.server_id,
            "owner": connection.owner,
            "pid": connection.pid,
            "version": connection.version,
            "python": connection.python,
            "host": connection.host,
            "state": state,
            "agents": _count(info, "size"),
            "calls": _count(info, "pending"),
            "questions": _count(info, "questions"),
            "memory": info.get("mem"),
            "mine": known.owned is not None,
            "foreign": known.foreign,
        }

    # ---- looking after them

    def _look_around(self) -> None:
        with self._lock:
            if self._looking:
                return
            self._looking = True
        _loop.background().spawn(self._keep_looking())

    async def _keep_looking(self) -> None:
        while not self._ending.is_set():
            self._calls = await self._counted()
            if any(self._calls.values()):
                self._on_calls()
            for server_id, (when, client) in list(self._visited.items()):
                if time.monotonic() - when > LEAVE_SECONDS:
                    del self._visited[server_id]
                    with contextlib.suppress(NbAgentsError):
                        await client.attachment.close()
            await asyncio.sleep(LOOK_SECONDS)

    async def _counted(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for owned in list(self._owned.values()):
            known = owned.connection
            if known is None or owned.status().state != "ready":
                continue
            try:
                info = await _glimpse(RpcAgentClient(known.address, token=known.token))
            except (NbAgentsError, TimeoutError, ValueError) as error:
                log.debug("the agent server %s does not tell what it does: %s", known.server_id, error)
            else:
                counted[known.server_id] = _count(info, "pending")
        return counted


def _is_left(owned: OwnedServer) -> bool:
    """Has a client stopped it? Then another one takes its place, and it ends its running calls."""
    if owned.connection is None or not owned.connection.is_ending():
        return False
    if owned.spawned is not None:
        owned.spawned.leave()
    return True


def _is_gone(owned: OwnedServer, connection: Connection) -> bool:
    """Was it stopped? Then its file is gone before its end is noticed here."""
    if owned.status().state == "stopped":
        return True
    return owned.status().state == "ready" and not connection.is_alive() and not connection.path.exists()


async def _glimpse(client: RpcAgentClient) -> dict[str, Any]:
    """Ask a server what it does, on the background loop.

    Raises:
        NbAgentsError, TimeoutError, ValueError: it does not say.
    """
    async with asyncio.timeout(GLIMPSE_SECONDS):
        answer = await client.attachment.request("get_server_info")
    found = json.loads(answer.message)
    return found if isinstance(found, dict) else {}


def _count(info: dict[str, Any], name: str) -> int:
    value = info.get(name)
    return value if isinstance(value, int) else 0
