"""`AgentServer`: a listening agent server with its token, its connection file and its end.

Runs on the background loop of whichever process starts it: a subprocess of its own as a rule
(`__main__`), the caller's with ``launch(in_subprocess=False)``.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from ..agents import AgentBase
from ..exceptions import AgentServerError, StateCorruptError
from ..store import Journal, set_aside
from ._exports import Exports
from ._forks import check_fork
from ._gate import TokenGate, add_services
from ._health import Health
from ._keeper import Keeper
from ._limits import SERVER_OPTIONS
from ._loader import AgentClasses
from ._model_configs import take_model_configs
from ._options import OPEN_TO_ALL, UNPROTECTED, ServerOptions
from ._places import Connection, claim, has_unix_sockets, socket_folder
from ._revival import restore
from ._servicer import AgentServerServicer
from ._token import new_token, read_token

if TYPE_CHECKING:
    from ._tls import TLS

__all__ = ["AgentServer"]

log = logging.getLogger("nbagents.server")


class AgentServer:
    """One listening server. ``start`` and ``stop`` run on the background loop; ``stop`` twice is fine."""

    def __init__(
        self,
        options: ServerOptions,
        custom_classes: list[type[AgentBase]] | None = None,
        *,
        models: Sequence[dict[str, Any]] = (),
    ) -> None:
        options.check()
        self.options = options
        self.stop_event = threading.Event()
        self.hurry = threading.Event()
        """Set when nobody wants the calls that still run."""
        self.connection: Connection | None = None
        self.servicer: AgentServerServicer | None = None
        self._custom_classes, self._models = custom_classes or [], list(models)
        self._health: Health | None = None
        self._exports = Exports()
        self._server: Any = None
        self._facade: Any = None
        self._keeper: Keeper | None = None

    def is_listening(self) -> bool:
        """Is it up? Any thread."""
        return self._server is not None

    async def start(self) -> Connection:
        """Listen; return how to be reached.

        Raises:
            AgentServerError: the port is taken, or the socket or the connection file cannot be made.
            UsageError: the token's file, the certificate or an exported folder cannot be used.
            AgentCreationError: one of its classes cannot be imported.
            StorageError: its journal cannot be read or written.
        """
        check_fork()
        # On a thread: a module may take its time to import.
        classes = await asyncio.to_thread(self._load_classes)
        options = self.options
        token = options.token or (read_token(options.token_file) if options.token_file else new_token())
        self._exports = Exports(options.export, options.export_limit)
        server_id = options.server_id or secrets.token_hex(4)
        try:
            with contextlib.ExitStack() as held:  # nobody else of that id, until there is a connection file
                await asyncio.to_thread(held.enter_context, claim(server_id))
                connection = self.connection = await self._open(server_id, classes, token)
        except BaseException as error:
            if self._keeper is not None:  # what an earlier server left stays
                self._keeper.close(remove=self._keeper.journal.is_new)
                self._keeper = None
            await self.stop()
            if isinstance(error, StateCorruptError) and options.journal is not None:
                raise StateCorruptError(f"{error}. {_what_now(options)}") from error
            if isinstance(error, OSError):
                raise AgentServerError(
                    f"the agent server cannot write its connection file: {error}"
                ) from error
            raise
        if self.servicer is not None:
            self.servicer.logs_to(connection.log)
        if options.is_public() and options.tls is None:
            log.warning(UNPROTECTED, connection.address)
        return connection

    async def _open(self, server_id: str, classes: AgentClasses, token: str) -> Connection:
        """Bring back what the journal holds, listen, and write the connection file."""
        options = self.options
        if options.journal is not None:
            self._keeper = await asyncio.to_thread(self._open_journal, options.journal)
        self.servicer = servicer = AgentServerServicer(
            self.stop_event,
            options.host,
            options.port,
            server_id,
            None,  # told below, once there is an address to tell
            options.max_pool_size,
            options.max_timeout_seconds,
            classes=classes,
            exports=self._exports,
            keeper=self._keeper,
        )
        self._health = health = Health()
        gate = TokenGate(token, public_health=options.public_health)
        self._server = grpc.aio.server(interceptors=[gate], options=SERVER_OPTIONS)
        add_services(self._server, servicer, health)
        models, self._models = self._models, []
        if models:
            refusal = take_model_configs(json.dumps(models))
            if refusal:
                raise AgentServerError(f"the model configurations were refused: {refusal}")
        await restore(servicer._agents, models)
        await servicer._steering.book.restored()
        address = await self._listen(server_id)
        await self._server.start()
        connection = Connection.of_this_process(server_id, address, token, options.owner)
        self.connection = connection  # from here on there is something to remove
        if options.tls is not None:
            trust = await asyncio.to_thread(options.tls.trust)
            connection.ca, connection.ca_name = trust.ca, trust.name
        if options.autogen_port is not None:
            connection.autogen = await self._let_autogen_in(servicer, options.autogen_port)
        connection.write()
        servicer.studio_url = options.studio_url
        servicer.listens_at(address)
        return connection

    async def _let_autogen_in(self, servicer: AgentServerServicer, port: int) -> str:
        """Listen for AutoGen's own workers, on this machine only; return where."""
        from ._topics._autogen import AutoGenFacade

        facade = grpc.aio.server(options=SERVER_OPTIONS)
        AutoGenFacade(servicer._topics).register(facade)
        why = await asyncio.to_thread(_why_not, "127.0.0.1", "127.0.0.1", port)
        if why:
            raise AgentServerError(f"AutoGen's workers cannot be let in: {why}")
        address = f"127.0.0.1:{facade.add_insecure_port(f'127.0.0.1:{port}')}"
        await facade.start()
        self._facade = facade
        log.warning(OPEN_TO_ALL, address)
        return address

    def _open_journal(self, path: str) -> Keeper:
        options = self.options
        return Keeper(Journal(path), max_replies=options.max_pool_size, max_age=options.max_timeout_seconds)

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

    async def _listen(self, server_id: str) -> str:
        """Listen where the server before did, if there was one and the place is free; return the address."""
        options, before, port = self.options, self.options.address or "", self.options.port or 0
        if before.startswith("unix:"):
            if _is_free(before) and self._bind(before):
                return before
        elif before and not port:
            with contextlib.suppress(AgentServerError):
                return await self._listen_on(int(before.rpartition(":")[2]))
        if options.port is None and has_unix_sockets():
            path = socket_folder() / f"{server_id[:8]}-{secrets.token_hex(4)}.s"
            if self._bind(f"unix:{path}"):
                return f"unix:{path}"
            raise AgentServerError(
                f"no socket could be made at {path}: is its path too long, or the disk full?"
            )
        return await self._listen_on(port)

    async def _listen_on(self, port: int) -> str:
        options = self.options
        # Never by the name: where it means two addresses, one could be somebody else's.
        host = "127.0.0.1" if options.host == "localhost" else options.host
        host = f"[{host}]" if ":" in host else host
        why = await asyncio.to_thread(_why_not, options.host, host.strip("[]"), port)
        bound = 0 if why else self._bind(f"{host}:{port}", options.tls)
        if not bound:
            raise AgentServerError(why or f"port {port} of {options.host} cannot be listened on")
        return f"{host}:{bound}"

    def _bind(self, address: str, tls: TLS | None = None) -> int:
        try:
            if tls is None:
                return int(self._server.add_insecure_port(address))
            pair = Path(tls.key).read_bytes(), Path(tls.cert).read_bytes()
            return int(self._server.add_secure_port(address, grpc.ssl_server_credentials([pair])))
        except RuntimeError:
            return 0

    def _tell_of_the_end(self, connection: Connection) -> None:
        """Say in the connection file that this is nobody's server any more; who needs one starts another."""
        connection.ending = True
        try:
            connection.write()
        except OSError as error:
            log.warning("nobody can be told that this server ends: %s", error)

    async def stop(self, grace: float = 1.0, drain: float = 0.0) -> None:
        """End all calls, tell the clients, remove the files; who does not listen has ``grace`` seconds.

        For ``drain`` seconds the running calls may end by themselves, unless `hurry` is set; new ones are
        refused meanwhile, and whoever looks for a server finds that this one ends.
        """
        server, self._server = self._server, None
        if server is None:
            return
        if self.servicer is not None:
            if drain and self.connection is not None and self.servicer.pending():
                self._tell_of_the_end(self.connection)
            self.servicer.refuse_calls(f"the agent server {self.servicer.server_id} is being stopped")
            limit = time.monotonic() + drain
            while self.servicer.pending() and time.monotonic() < limit and not self.hurry.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        if self.connection is not None:
            self.connection.remove()
        if self._health is not None:
            self._health.end()
        if self.servicer is not None:
            self.servicer.close()
            await asyncio.sleep(0)  # how the calls ended is told one turn later
            for session in self.servicer.sessions:
                session.writer.close()  # which ends the stream, once all is told
        if self._facade is not None:
            await self._facade.stop(0)
        await server.stop(grace)
        self._exports.close()
        if self.servicer is not None and self.servicer.studio is not None:
            await asyncio.to_thread(self.servicer.studio.join)
        if self._keeper is not None:
            self._keeper.close(remove=True)
        self.stop_event.set()


def _what_now(options: ServerOptions) -> str:
    """Say what to do about a damaged journal. One that would stand in everybody's way is set aside."""
    path = Path(options.journal or "")
    if options.owner != "user":
        return "Move it away, or restore it"
    try:
        aside = set_aside(path)
    except OSError as error:
        return f"It could not be set aside ({error.strerror}): move it away"
    return f"It is kept as {aside}; the next start, %agents server start, begins afresh, with no agents"


def _why_not(named: str, host: str, port: int) -> str:
    """Say why a port cannot be listened on, "" if it can: gRPC only logs it. Blocking."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gRPC does
            if family is socket.AF_INET6 and socket.has_dualstack_ipv6():
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            probe.bind(address)
            if port:
                probe.listen(1)  # two can be bound to it, one listens
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            return f"port {port} of {named} cannot be had: {named} is not an address of this machine"
        if error.errno == errno.EACCES:
            return f"port {port} of {named} is not yours to listen on: give one above 1023"
        if error.errno == errno.EADDRINUSE:
            return f"port {port} of {named} is taken: give another port, or none for a Unix socket"
        return f"port {port} of {named} cannot be had: {error.strerror or error}"
    return ""


def _is_free(address: str) -> bool:
    """Does nobody listen on this Unix socket? gRPC would take it over from a server that lives."""
    if not address.startswith("unix:"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(address.removeprefix("unix:")) in (errno.ENOENT, errno.ECONNREFUSED)
