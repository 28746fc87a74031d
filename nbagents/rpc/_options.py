"""`ServerOptions`: what a server is told at its start. Loads no gRPC, so that a launcher can spawn first."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._ids import check_id
from ..config import redact
from ..exceptions import UsageError

if TYPE_CHECKING:
    from ._tls import TLS

__all__ = ["OPEN_TO_ALL", "OWNERS", "UNPROTECTED", "ServerOptions", "check_studio_url", "is_loopback"]

UNPROTECTED = (
    "INSECURE: this agent server listens on %s without TLS; everybody on the way between it and its"
    " clients can read its token, and with it read and do whatever its agents can"
)
"""The warning of a server that other machines reach without TLS."""
OPEN_TO_ALL = (
    "UNAUTHENTICATED: AutoGen's own workers are let in at %s without a token; every program on this machine"
    " can send messages to this server's agents there, and take part as one of them"
)
"""The warning of a server that has the façade."""
OWNERS = ("process", "jupyter", "service", "user")


@dataclass(slots=True)
class ServerOptions:
    """What a server is told at its start. JSON-able; travels through a pipe, and its repr is free of secrets.

    ``owner`` is who ends it: "process", "jupyter" or "service", the process that holds its standard input,
    be it a program, Jupyter or the command that serves; "user", nobody, until it is stopped or has had
    neither client nor call for ``idle_seconds``. ``tls`` and ``token_file`` are paths, never what is in them.
    ``journal`` is the path of the file in which the server keeps what its agents become; agents that it holds
    are brought back at the start, and it is removed when the server ends as it should. An owner gives a
    ``durable`` one a journal. ``python`` is the interpreter that runs it, by default the owner's. ``address``
    and ``token`` are those of the server that it takes the place of. A server that is stopped ends its
    running calls first, within ``drain_seconds``. ``telemetry`` are the ``OTEL_*`` variables by which it
    traces, with the keys of a collector; by default those of its owner.
    At ``autogen_port`` of this machine, 0 for any, AutoGen's own workers are let in, without a token.
    """

    host: str = "localhost"
    port: int | None = None
    max_pool_size: int = 8192
    max_timeout_seconds: float = 7200
    agent_dir: str | None = None
    agent_classes: list[str] = field(default_factory=list)
    import_path: list[str] = field(default_factory=list)
    server_id: str | None = None
    studio_url: str | None = None
    owner: str = "process"
    idle_seconds: float = 8 * 3600
    tls: TLS | None = None
    insecure: bool = False
    export: list[str] = field(default_factory=list)
    export_limit: int = 2**30
    public_health: bool = False
    token_file: str | None = None
    journal: str | None = None
    durable: bool = True
    python: str | None = None
    address: str | None = None
    token: str | None = field(default=None, repr=False)
    drain_seconds: float = 10.0
    telemetry: dict[str, str] = field(default_factory=dict, repr=False)
    autogen_port: int | None = None

    def __post_init__(self) -> None:
        given: Any = self.tls
        if isinstance(given, dict):  # as it came from JSON
            from ._tls import TLS

            self.tls = TLS(**given)

    def is_public(self) -> bool:
        """Would it listen to other machines?"""
        return not is_loopback(self.host)

    def check(self) -> None:
        """Raise UsageError if a value cannot be."""
        if self.port is not None and not (isinstance(self.port, int) and 0 <= self.port <= 65535):
            raise UsageError(
                f"port {self.port} is not a port: give one from 1 to 65535, or none for a Unix socket"
            )
        if self.autogen_port is not None and not 0 <= self.autogen_port <= 65535:
            raise UsageError(f"autogen_compat={self.autogen_port} is not a port: give True for any")
        self._check_host()
        for name in ("max_pool_size", "max_timeout_seconds", "idle_seconds", "export_limit"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be positive, not {getattr(self, name)}")
        if self.drain_seconds < 0:
            raise UsageError("drain_seconds must not be negative")
        if self.owner not in OWNERS:
            raise UsageError(f"a server is owned by {', '.join(OWNERS)}; not by {self.owner!r}")
        if self.server_id is not None:
            check_id(self.server_id, "server_id")
        python = self.python
        if python is not None and not (
            os.path.isabs(python) and os.path.isfile(python) and os.access(python, os.X_OK)
        ):
            raise UsageError(f"{self.python} is not the path of a Python interpreter")
        if self.agent_dir is not None and not os.path.isdir(self.agent_dir):
            raise UsageError(f"agent_dir {self.agent_dir} is not a folder")
        for folder in self.export:
            if not os.path.isdir(folder):
                raise UsageError(f"export= names {folder}, which is not a folder")
        if self.journal is not None and not os.path.isabs(self.journal):
            raise UsageError(f"the path of a journal is absolute; {self.journal} is not")
        if self.studio_url is not None:
            check_studio_url(self.studio_url, insecure=self.insecure)

    def _check_host(self) -> None:
        if self.is_public() and self.tls is None and not self.insecure:
            raise UsageError(
                f"public bind needs tls= and a token, or insecure=True: {self.host} can be reached from other"
                " machines, which would see the token and every message"
            )
        if self.port is None and (self.is_public() or self.tls is not None):
            what = f"host {self.host}" if self.is_public() else "tls="
            raise UsageError(
                f"{what} needs a port: without one the server listens on a Unix socket of this machine"
            )
        if self.tls is not None:
            self.tls.name()


def is_loopback(host: str) -> bool:
    """Does this name only this machine?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_studio_url(url: str, *, insecure: bool = False) -> None:
    """Raise `UsageError` if messages must not be sent to that address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host or port == 0 or parts.query or parts.fragment:
        raise UsageError(f"studio_url {redact(url)[:100]!r} is not an address such as http://localhost:5000")
    if parts.scheme == "http" and not insecure and not is_loopback(host):
        raise UsageError(
            f"studio_url names {host} without TLS, where others could read the messages:"
            " use https, or insecure=True"
        )
