"""`AgentServer`: a listening agent server with its token, its connection file and its end.

Runs on the background loop of whichever process starts it: a subprocess of its own as a rule
(`__main__`), the caller's with ``launch(in_subprocess=False)``.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import Any

import grpc

from ..agents import AgentBase, scheduler
from ..exceptions import AgentServerError, CallCancelledError
from ._gate import TokenGate, add_services
from ._limits import SERVER_OPTIONS
from ._loader import AgentClasses
from ._options import ServerOptions
from ._places import Connection, has_unix_sockets, socket_folder
from ._servicer import AgentServerServicer

__all__ = ["AgentServer"]


class AgentServer:
    """One listening server. ``start`` and ``stop`` run on the background loop; ``stop`` twice is fine."""

    def __init__(self, options: ServerOptions, custom_classes: list[type[AgentBase]] | None = None) -> None:
        options.check()
        self.options = options
        self.stop_event = threading.Event()
        self.connection: Connection | None = None
        self._custom_classes = custom_classes or []
        self._server: Any = None
        self.servicer: AgentServerServicer | None = None

    async def start(self) -> Connection:
        """Listen; return how to be reached.

        Raises:
            AgentServerError: the port is taken, or the socket cannot be made.
        """
        options = self.options
        private = options.port is None and has_unix_sockets()
        classes = AgentClasses(private=private)
        for name in options.agent_classes:
            classes.register(AgentClasses(private=True).find(name, options.import_path))
        for cls in self._custom_classes:
            classes.register(cls)
        if options.agent_dir:
            classes.load_folder(options.agent_dir)
        server_id = options.server_id or secrets.token_hex(4)
        token = secrets.token_urlsafe(32)
        self.servicer = AgentServerServicer(
            self.stop_event,
            options.host,
            options.port,
            server_id,
            options.studio_url,
            options.max_pool_size,
            options.max_timeout_seconds,
            classes=classes,
        )
        self._server = grpc.aio.server(interceptors=[TokenGate(token)], options=SERVER_OPTIONS)
        add_services(self._server, self.servicer)
        address = self._listen(server_id, private)
        await self._server.start()
        self.connection = Connection.of_this_process(server_id, address, token, options.owner)
        self.connection.write()
        return self.connection

    def _listen(self, server_id: str, private: bool) -> str:
        if private:
            address = f"unix:{socket_folder() / f'{server_id}-{secrets.token_hex(3)}.s'}"
        else:
            address = f"{self.options.host}:{self.options.port or 0}"
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError:
            port = 0
        if port == 0:
            what = f"port {self.options.port} of {self.options.host} is taken" if not private else "no socket could be made"
            raise AgentServerError(f"{what}; give another port, or none for a Unix socket")
        return address if private else f"{self.options.host}:{port}"

    async def stop(self, grace: float = 2.0) -> None:
        """End all calls, tell the clients, remove the files."""
        server, self._server = self._server, None
        if server is None:
            return
        if self.connection is not None:
            self.connection.remove()
        clock = scheduler()
        for call in list(clock.live.values()):
            if call.parent is None and call.origin is not None:
                clock.end(call, CallCancelledError(f"the call of {call.label()} was cancelled: the server stops"))
        if self.servicer is not None:
            for session in list(self.servicer.sessions):
                with contextlib.suppress(Exception):  # a client that has just gone
                    await session.writer.drain()
            self.servicer.close()
        # Attached clients never leave by themselves: with nothing left to say, no grace is due.
        await server.stop(0 if not (self.servicer and self.servicer.pending()) else grace)
        self.stop_event.set()
