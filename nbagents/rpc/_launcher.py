"""`RpcAgentServerLauncher`: starts an agent server and ends it."""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import _loop
from ..agents import AgentBase
from ..config import model_configs
from ..exceptions import UsageError
from ._loader import class_name
from ._options import OPEN_TO_ALL, UNPROTECTED, ServerOptions
from ._owned import OwnedServer
from ._places import Connection
from ._spawn import Spawned

if TYPE_CHECKING:
    from ._attachment import Attachment
    from ._client import RpcAgentClient
    from ._server import AgentServer
    from ._tls import TLS

__all__ = ["RpcAgentServerLauncher", "import_path"]

log = logging.getLogger("nbagents.server")
EXIT_SECONDS = 1.0
"""How long the exit of this process waits for the servers that end with it."""


class RpcAgentServerLauncher:
    """Launches one agent server of this process: it ends with it, whatever happens. Also a ``with``.

    One that dies is started again at once, under the same id, address and token, with what its agents
    remembered; five deaths within a minute end that, until `launch` is called again.

    Without ``port`` the server listens on a private Unix socket, with ``port`` on TCP at ``host``; port 0
    is any that is free. A busy port is an error that names it. Only a ``host`` that other machines can
    reach, such as "0.0.0.0", opens the server to them, and only with ``tls`` or ``insecure=True``;
    ``local_mode=True`` means "localhost" whatever the host, False opens nothing. ``max_pool_size`` replies
    are kept for ``max_timeout_seconds``. ``custom_agent_classes`` are agent classes that the server should
    know, from modules that it can import; ``agent_dir`` is a folder whose Python files define more. On a
    Unix socket the server can import agent classes by their names too, ``module:Class``. The model
    configurations that are loaded here are loaded there. The server and every reply of its agents are told
    to the studio at ``studio_url``, in the background: one that is away or slow does no harm.

    ``tls`` is a `TLS`, ``(cert, key)``, ``(cert, key, ca)`` with paths, or a folder that holds these files.
    ``insecure=True`` lets the token and all messages travel unencrypted, and says so at each start.
    ``export`` names folders whose files `RpcAgentClient.download_file` may fetch, if they have at most
    ``export_limit`` bytes; nothing else is given away. With ``public_health`` gRPC's standard health
    service answers without the token. ``token_file`` holds the token, in a file that only its user can
    read; without it every start makes a new one. With ``durable=False`` nothing is written to disk: faster
    for crowds that need not outlive their server. ``autogen_compat``, True or a port, lets AutoGen's own
    workers take part, unchanged, at a port of this machine, without a token: every program here can then do
    the same.

    After ``launch`` the attributes ``address``, ``port``, ``server_id``, ``token`` and ``autogen_address``
    tell how it is reached.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int | None = None,
        max_pool_size: int = 8192,
        max_timeout_seconds: float = 7200,
        local_mode: bool = False,
        agent_dir: str | None = None,
        custom_agent_classes: Sequence[type[AgentBase]] | None = None,
        server_id: str | None = None,
        studio_url: str | None = None,
        *,
        tls: TLS | str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        insecure: bool = False,
        export: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
        export_limit: int = 2**30,
        public_health: bool = False,
        token_file: str | os.PathLike[str] | None = None,
        durable: bool = True,
        autogen_compat: bool | int = False,
    ) -> None:
        self.host, self.port, self.local_mode = ("localhost" if local_mode else host), port, local_mode
        self.custom_agent_classes = list(custom_agent_classes or [])
        folders = [export] if isinstance(export, str | os.PathLike) else list(export)
        self.options = ServerOptions(
            host=self.host,
            port=port,
            max_pool_size=max_pool_size,
            max_timeout_seconds=max_timeout_seconds,
            agent_dir=None if agent_dir is None else os.path.abspath(agent_dir),
            server_id=server_id,
            studio_url=studio_url,
            tls=_pair(tls),
            insecure=insecure,
            export=[os.path.abspath(folder) for folder in folders],
            export_limit=export_limit,
            public_health=public_health,
            token_file=None if token_file is None else os.path.abspath(token_file),
            durable=durable,
            autogen_port=_port_for_autogen(autogen_compat),
        )
        self.options.check()
        self.on_ready: Callable[[RpcAgentClient, str], object] | None = None
        """Called each time that the server has come up, see `OwnedServer`; set before the launch."""
        self._owned: OwnedServer | None = None
        self._local: AgentServer | None = None

    @classmethod
    def generate_server_id(cls, host: str, port: int | None) -> str:
        """Return a fresh id of 8 hexadecimal digits; the random state of the program is left alone."""
        text = f"{host}:{port}:{time.time_ns()}:{secrets.token_hex(8)}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def launch(self, in_subprocess: bool = True) -> None:
        """Start the server and wait until it listens, about half a second. Also in a notebook's cell.

        With ``in_subprocess=False`` it runs in this process, on the background loop, and this
        returns at once too; `wait_until_terminate` waits for its end.

        Raises:
            AgentServerError: it cannot listen, for example since the port is taken.
            AgentCreationError: it cannot import one of the classes.
        """
        if self._owned is not None and self._owned.status().state == "failed":
            self._owned.reset()
            self._owned.ensure()
            return
        if self.connection is not None:
            raise UsageError(
                "this launcher has launched its server already; make another one for another server"
            )
        if in_subprocess:
            self.options.agent_classes = [class_name(cls) for cls in self.custom_agent_classes]
            self.options.import_path = import_path()
            self._owned = owned = OwnedServer(
                self.options, on_ready=self._introduce, launch=_launched, eager=True
            )
            try:
                owned.ensure()
            except BaseException:
                self._owned = None
                raise
            _running.difference_update([other for other in _running if other.is_over()])
            _running.add(owned)
            if self.options.is_public() and self.options.tls is None:
                log.warning(UNPROTECTED, self.address)  # where people see it: the server's own log is a file
            if self.autogen_address:
                log.warning(OPEN_TO_ALL, self.autogen_address)
        else:
            self._launch_here()
        if not self.address.startswith("unix:"):
            self.port = int(self.address.rpartition(":")[2])

    def _launch_here(self) -> None:
        from ._server import AgentServer

        server = AgentServer(self.options, self.custom_agent_classes)
        _loop.background().run(server.start())
        self._local = server

        def end_when_stopped() -> None:  # by a client
            server.stop_event.wait()
            _loop.background().run(server.stop())

        threading.Thread(target=end_when_stopped, name="nbagents-server", daemon=True).start()

    def _introduce(self, client: RpcAgentClient, before: str) -> None:
        if not client.address.startswith("unix:"):
            self.port = int(client.address.rpartition(":")[2])
        if self.on_ready is not None:
            self.on_ready(client, before)

    @property
    def connection(self) -> Connection | None:
        """How the server is reached; None before the launch."""
        if self._local is not None:
            return self._local.connection
        return self._owned.connection if self._owned is not None else None

    @property
    def server_id(self) -> str:
        """The server's id; before the launch, the one that was asked for."""
        return self.connection.server_id if self.connection is not None else self.options.server_id or ""

    @property
    def address(self) -> str:
        """Where the server listens: ``unix:/path`` or ``host:port``."""
        return self._launched().address

    @property
    def token(self) -> str:
        """The token that every call of the server must carry."""
        return self._launched().token

    @property
    def autogen_address(self) -> str:
        """Where AutoGen's own workers are let in, without a token; "" without ``autogen_compat``."""
        return self._launched().autogen

    def attach(self) -> Attachment | None:
        """Return the attachment to the server; None while it is down, until `bring_up`. Never waits.

        Raises:
            AgentServerNotAliveError: it was stopped, or died again and again.
        """
        return self._owned.attach() if self._owned is not None else None

    def bring_up(self) -> None:
        """Wait until a server that died has been started again; fine if it runs. Blocking.

        Raises:
            AgentServerError: it cannot be.
        """
        if self._owned is not None:
            self._owned.ensure()

    def is_alive(self) -> bool:
        """Does the server run? False while one that died is being started again."""
        if self._owned is not None:
            return self._owned.is_alive()
        return self._local is not None and self._local.is_listening()

    def wait_until_terminate(self) -> None:
        """Wait until the server ends, and is not started again; an interrupt ends the waiting.

        Raises:
            UsageError: it was not launched.
        """
        self._launched()
        while self.is_alive() or not (self._owned is None or self._owned.is_over()):
            time.sleep(_loop.THREAD_TICK)

    def shutdown(self) -> None:
        """End the server and what runs in it. Twice is fine, and before the launch too."""
        if self._owned is not None:
            self._owned.stop()
            _running.discard(self._owned)
        if self._local is not None:
            _loop.background().run(self._local.stop())

    def release(self) -> None:
        """End the server soon, without waiting for it. Any thread."""
        if self._owned is not None:
            self._owned.release()
            _running.discard(self._owned)
            self.on_ready = None  # which may hold proxies, and with them servers

    def __enter__(self) -> RpcAgentServerLauncher:
        if self.connection is None:
            self.launch()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()

    def _launched(self) -> Connection:
        if self.connection is None:
            raise UsageError(
                "the server is not launched yet: call launch() first, or use the launcher in a `with`"
            )
        return self.connection


def _pair(given: Any) -> TLS | None:
    if given is None:
        return None
    from ._tls import TLS

    return TLS.of(given)


def _port_for_autogen(given: bool | int) -> int | None:
    if isinstance(given, bool):
        return 0 if given else None
    return given


def _launched(options: ServerOptions) -> tuple[Connection, Spawned]:
    """Launch a server that knows the model configurations of this process."""
    models = [model_configs.get(name) for name in model_configs.names()]
    spawned = Spawned.start(options, _on_the_wire(models))
    return spawned.connection, spawned


_running: set[OwnedServer] = set()
"""Keeps the lifelines of servers whose launchers nobody holds."""


@atexit.register
def _release_all() -> None:
    running = [(owned, owned.spawned) for owned in _running]
    for owned, _ in running:
        owned.release()
    for _, spawned in running:
        if spawned is not None:
            spawned.wait(EXIT_SECONDS)


def _on_the_wire(configs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not configs:
        return []
    from ..models import model_config_to_wire

    return [model_config_to_wire(config) for config in configs]


def import_path() -> list[str]:
    """Return the folders that this process imports from, the working folder by its name."""
    return list(dict.fromkeys(os.path.abspath(folder) for folder in sys.path))
