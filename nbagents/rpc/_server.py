"""`AgentServer`: a listening agent server with its token, its connection file and its end.

Runs on the background loop of whichever process starts it: a subprocess of its own as a rule
(`__main__`), the caller's with ``launch(in_subprocess=False)``.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from typing import Any

import grpc

from ..agents import AgentBase
from ..exceptions import AgentServerError
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
        self.servicer: AgentServerServicer | None = None
        self._custom_classes = custom_classes or []
        self._server: Any = None

    def is_listening(self) -> bool:
        """Is it up? Any thread."""
        return self._server is not None

    async def start(self) -> Connection:
        """Listen; return how to be reached.

        Raises:
            AgentServerError: the port is taken, or the socket or the connection file cannot be made.
            AgentCreationError: one of its classes cannot be imported.
        """
        # On a thread: a module may take its time to import.
        classes = await asyncio.to_thread(self._load_classes)
        options = self.options
        token = secrets.token_urlsafe(32)
        self.servicer = servicer = AgentServerServicer(
            self.stop_event,
            options.host,
            options.port,
            options.server_id,
            options.studio_url,
            options.max_pool_size,
            options.max_timeout_seconds,
            classes=classes,
        )
        self._server = grpc.aio.server(interceptors=[TokenGate(token)], options=SERVER_OPTIONS)
        add_services(self._server, servicer)
        try:
            address = self._listen(servicer.server_id)
            await self._server.start()
            self.connection = Connection.of_this_process(servicer.server_id, address, token, options.owner)
            self.connection.write()
        except BaseException as error:
            await self.stop()
            if isinstance(error, OSError):
                raise AgentServerError(
                    f"the agent server cannot write its connection file: {error}"
                ) from error
            raise
        return self.connection

    def _load_classes(self) -> AgentClasses:
        options = self.options
        classes = AgentClasses(private=options.port is None)
        for name in options.agent_classes:
            classes.register(AgentClasses(private=True).find(name, options.import_path))
        for cls in self._custom_classes:
            classes.register(cls)
        if options.agent_dir:
            classes.load_folder(options.agent_dir)
        return classes

    def _listen(self, server_id: str) -> str:
        options = self.options
        if options.port is None and has_unix_sockets():
            path = socket_folder() / f"{server_id[:8]}-{secrets.token_hex(4)}.s"
            if self._bind(f"unix:{path}"):
                return f"unix:{path}"
            raise AgentServerError(
                f"no socket could be made at {path}: is its path too long, or the disk full?"
            )
        # Never by the name: where it means two addresses, one could be somebody else's.
        host = "127.0.0.1" if options.host == "localhost" else options.host
        host = f"[{host}]" if ":" in host else host
        port = self._bind(f"{host}:{options.port or 0}")
        if not port:
            raise AgentServerError(
                f"port {options.port} of {options.host} is taken:"
                " give another port, or none for a Unix socket"
            )
        return f"{host}:{port}"

    def _bind(self, address: str) -> int:
        try:
            return int(self._server.add_insecure_port(address))
        except RuntimeError:
            return 0

    async def stop(self, grace: float = 1.0) -> None:
        """End all calls, tell the clients, remove the files; who does not listen has ``grace`` seconds."""
        server, self._server = self._server, None
        if server is None:
            return
        if self.connection is not None:
            self.connection.remove()
        if self.servicer is not None:
            self.servicer.close()
            await asyncio.sleep(0)  # how the calls ended is told one turn later
            for session in self.servicer.sessions:
                session.writer.close()  # which ends the stream, once all is told
        await server.stop(grace)
        self.stop_event.set()
