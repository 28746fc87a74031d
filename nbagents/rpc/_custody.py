"""`Custodian`: a process that keeps agent servers for others, and how it is asked for one.

Jupyter's extension is one. It writes a file that only its user can read, and names it in the environment
of its kernels. Who has read the file connects to the socket it names, says the token in the first line and
what it wants in the second, both JSON, and gets one line back: the id of a server, or an error. How to
reach the server is in its connection file, as ever.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import exceptions
from .._process import boot_id, host_name, is_running, write_private
from ..exceptions import (
    AgentServerError,
    AgentServerNotAliveError,
    NbAgentsError,
    ProtocolError,
    ServerFailedError,
)

__all__ = ["CUSTODIAN", "MAX_LINE", "Custodian", "custodian"]

CUSTODIAN = "NBAGENTS_EXTENSION"
"""The variable that names the file."""
MAX_LINE = 64 * 1024
ANSWER_SECONDS = 90.0
"""A server that died may be started several times before it is there."""


@dataclass(slots=True)
class Custodian:
    """How to reach the process that keeps servers. ``repr`` does not show the token."""

    address: str
    token: str = field(repr=False)
    pid: int
    pid_started: str
    host: str
    boot: str
    version: str

    def write(self, path: Path) -> None:
        """Write the file, readable by its user only."""
        write_private(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Custodian | None:
        """Return what a file tells; None if it is not there, others could have written it, or it is odd."""
        try:
            about = path.stat()
            if os.name == "posix" and (stat.S_IMODE(about.st_mode) & 0o077 or about.st_uid != os.getuid()):
                return None
            found = cls(**json.loads(path.read_bytes()[:MAX_LINE]))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        return found if all(isinstance(value, str) for value in (found.address, found.token)) else None

    def is_here(self) -> bool:
        """Did it write this on this machine, since its last boot?"""
        return self.host == host_name() and self.boot == boot_id()

    def is_alive(self) -> bool:
        """Is it still there?"""
        return self.is_here() and is_running(self.pid, self.pid_started)

    def ask(self, wish: dict[str, Any]) -> dict[str, Any] | None:
        """Tell it what is wanted and return its answer; None if nobody listens there any more. Blocking.

        Raises:
            NbAgentsError: whatever it refused with, or it did not answer as one does.
        """
        try:
            with _connected(self.address) as line:
                line.settimeout(ANSWER_SECONDS)
                line.sendall(_line({"token": self.token}) + _line(wish))
                answer = json.loads(_received(line))
        except (FileNotFoundError, ConnectionError):
            return None
        except TimeoutError:
            text = f"Jupyter did not answer within {ANSWER_SECONDS:.0f} s when asked for an agent server"
            raise AgentServerNotAliveError(text) from None
        except (OSError, ValueError, RecursionError) as error:
            raise ProtocolError(f"Jupyter, asked for an agent server, answered oddly: {error}") from None
        if not isinstance(answer, dict):
            raise ProtocolError("Jupyter, asked for an agent server, answered with something else")
        if isinstance(answer.get("error"), dict):
            raise _refusal(answer["error"])
        return answer


def custodian() -> Custodian | None:
    """Return the process that keeps servers for this one, if there is one and it lives."""
    path = os.environ.get(CUSTODIAN)
    found = Custodian.read(Path(path)) if path else None
    return found if found is not None and found.is_alive() else None


def _refusal(told: dict[str, Any]) -> NbAgentsError:
    kind = getattr(exceptions, str(told.get("type")), AgentServerError)
    if not (isinstance(kind, type) and issubclass(kind, NbAgentsError)):
        kind = AgentServerError
    hint = told.get("hint")
    error = kind(str(told.get("message"))[:20_000], hint=hint if isinstance(hint, str) else None)
    if isinstance(error, ServerFailedError):
        error.log_lines = tuple(str(line)[:500] for line in told.get("log_lines") or ())[:50]
    return error


def _connected(address: str) -> socket.socket:
    if address.startswith("unix:"):
        line = socket.socket(socket.AF_UNIX)
        try:
            line.settimeout(5.0)
            line.connect(address.removeprefix("unix:"))
        except BaseException:
            line.close()
            raise
        return line
    host, _, port = address.rpartition(":")
    if host != "127.0.0.1" or not port.isdigit():
        raise OSError("it names no address of this machine")
    return socket.create_connection((host, int(port)), timeout=5.0)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _received(line: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        part = line.recv(4096)
        if not part:
            raise ConnectionResetError("it closed the connection")
        received += part
        if len(received) > MAX_LINE:
            raise ValueError("its answer is too long")
    return received
