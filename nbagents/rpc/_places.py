"""Where servers are: the folder of sockets, and the connection files that tell how to reach them.

Sockets lie in a folder of this machine that only its user can enter. Connection files may lie on a
home that several machines share: those of another machine are listed as foreign and never deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .._ids import check_id, new_id
from .._process import boot_id, host_name, is_running, process_started, user_id
from .._version import __version__
from ..exceptions import AgentServerError

__all__ = [
    "Connection",
    "connection_at",
    "connection_folder",
    "connections",
    "journal_path",
    "normal_address",
    "socket_folder",
]

MAX_SOCKET_PATH = 100
THIS_MACHINE = {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""Names of this machine, and the addresses that they are dialled by."""


@dataclass(slots=True)
class Connection:
    """How to reach one server. ``repr`` does not show the token."""

    server_id: str
    address: str
    token: str = field(repr=False)
    pid: int
    pid_started: str
    host: str
    boot: str
    user: str
    python: str
    version: str
    owner: str
    ca: str = ""
    """Where the certificate lies that proves the server, if it speaks TLS,"""
    ca_name: str = ""
    """and the name that its own certificate is for."""

    @classmethod
    def of_this_process(cls, server_id: str, address: str, token: str, owner: str) -> Connection:
        """Describe the server that runs in this process."""
        pid = os.getpid()
        return cls(
            server_id=server_id,
            address=address,
            token=token,
            pid=pid,
            pid_started=process_started(pid),
            host=host_name(),
            boot=boot_id(),
            user=user_id(),
            python=sys.executable,
            version=__version__,
            owner=owner,
        )

    @property
    def path(self) -> Path:
        """Where its file lies."""
        return connection_folder() / f"{self.server_id}.json"

    @property
    def log(self) -> Path:
        """Where its standard error goes, if it was spawned."""
        return self.path.with_suffix(".log")

    def write(self) -> None:
        """Write the file, readable by its user only."""
        path = self.path
        temporary = path.with_name(f".{new_id()}")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                json.dump(asdict(self), file)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def remove(self) -> None:
        """Remove the file, the log and the socket; fine if they are gone."""
        for path in (self.path, self.log):
            with contextlib.suppress(OSError):
                path.unlink()
        if self.address.startswith("unix:"):
            with contextlib.suppress(OSError):
                Path(self.address.removeprefix("unix:")).unlink()

    def is_foreign(self) -> bool:
        """Does it run on another machine, or did it run before the last boot?"""
        return self.host != host_name() or self.boot != boot_id()

    def is_alive(self) -> bool:
        """Is the process that wrote it still there? Only its own machine can tell."""
        if self.is_foreign():
            return False
        return is_running(self.pid, self.pid_started)

    def fits_here(self) -> bool:
        """Is it this user's shared server for this interpreter and this version?"""
        return (
            self.owner == "user"
            and not self.is_foreign()
            and self.user == user_id()
            and self.python == sys.executable
            and self.version == __version__
        )


def connections() -> list[Connection]:
    """Return what the connection files tell, the dead ones of this machine removed."""
    found = []
    for path in sorted(connection_folder().glob("*.json")):
        connection = _read(path)
        if connection is None:
            continue
        if not connection.is_foreign() and not connection.is_alive():
            connection.remove()
        else:
            found.append(connection)
    return found


def connection_at(address: str) -> Connection | None:
    """Return this user's own server at an address, as its connection file tells of it."""
    address = normal_address(address)
    for connection in connections():
        if not connection.is_foreign() and normal_address(connection.address) == address:
            return connection
    return None


def normal_address(address: str) -> str:
    """Return one spelling for an address; "localhost" never means whoever listens on IPv6."""
    host, colon, port = address.rpartition(":")
    return f"{THIS_MACHINE.get(host, host)}{colon}{port}"


def _read(path: Path) -> Connection | None:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and os.name == "posix":
            return None  # others could have written it
        fields = json.loads(path.read_text(encoding="utf-8"))
        connection = Connection(**fields)
    except (OSError, ValueError, TypeError):
        return None
    return connection if connection.path == path else None


def connection_folder() -> Path:
    """Return the folder of connection files, ``nbagents`` in Jupyter's runtime folder, made if missing."""
    from jupyter_core.paths import jupyter_runtime_dir  # slow to import, and only needed here

    folder = Path(jupyter_runtime_dir()) / "nbagents"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make_private(folder)
    return folder


def socket_folder() -> Path:
    """Return a folder of this machine for sockets that nobody else can enter, made if missing.

    Raises:
        AgentServerError: the folder is not this user's.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and len(os.fsencode(runtime)) < MAX_SOCKET_PATH - 32 and _is_mine(Path(runtime)):
        folder = Path(runtime) / "nbagents"
    else:
        base = tempfile.gettempdir()
        folder = (
            Path(base if len(os.fsencode(base)) < MAX_SOCKET_PATH - 44 else "/tmp") / f"nbagents-{user_id()}"
        )
    folder.mkdir(exist_ok=True, mode=0o700)
    _make_private(folder)
    return folder


def journal_path(server_id: str) -> Path:
    """Return where a server of this machine keeps what its agents become, in the folder of sockets.

    Raises:
        AgentServerError: the folder is not this user's.
    """
    return socket_folder() / f"{check_id(server_id, 'server_id')}.journal"


def _is_mine(folder: Path) -> bool:
    """Is this a folder that nobody else can exchange for another one?"""
    try:
        return folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK)
    except (OSError, AttributeError):
        return False


def _make_private(folder: Path) -> None:
    if os.name != "posix":
        return
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
        raise AgentServerError(
            f"{folder} is not a folder of yours: remove it, or set XDG_RUNTIME_DIR (for sockets) or"
            " JUPYTER_RUNTIME_DIR (for connection files) to a folder of yours"
        )
    if stat.S_IMODE(about.st_mode) & 0o077:
        folder.chmod(0o700)


def has_unix_sockets() -> bool:
    """Can servers listen on Unix sockets here?"""
    return hasattr(socket, "AF_UNIX") and os.name == "posix"
