"""`ServerOptions`: what a server is told at its start. Loads no gRPC, so that a launcher can spawn first."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field

from .._ids import check_id
from ..exceptions import UsageError

__all__ = ["OWNERS", "ServerOptions"]

OWNERS = ("process", "jupyter", "user")


@dataclass(slots=True)
class ServerOptions:
    """What a server is told at its start. JSON-able, and free of secrets.

    ``owner`` is who ends it: "process" or "jupyter", the process that holds its standard input; "user",
    nobody, until it is stopped or has had neither client nor call for ``idle_seconds``.
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

    def check(self) -> None:
        """Raise UsageError if a value cannot be."""
        if self.port is not None and not (isinstance(self.port, int) and 0 <= self.port <= 65535):
            raise UsageError(
                f"port {self.port} is not a port: give one from 1 to 65535, or none for a Unix socket"
            )
        if not is_loopback(self.host):
            raise UsageError(
                f"an agent server on {self.host} would be open to other machines, which needs TLS; "
                "this version serves the own machine only: use host='localhost'"
            )
        if self.max_pool_size < 1 or self.max_timeout_seconds <= 0 or self.idle_seconds <= 0:
            raise UsageError("max_pool_size, max_timeout_seconds and idle_seconds must be positive")
        if self.owner not in OWNERS:
            raise UsageError(f"a server is owned by {', '.join(OWNERS)}; not by {self.owner!r}")
        if self.server_id is not None:
            check_id(self.server_id, "server_id")
        if self.agent_dir is not None and not os.path.isdir(self.agent_dir):
            raise UsageError(f"agent_dir {self.agent_dir} is not a folder")
        if self.studio_url is not None:
            raise UsageError("studio_url cannot be used in this version: there is no studio to register at")


def is_loopback(host: str) -> bool:
    """Does this name only this machine?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
