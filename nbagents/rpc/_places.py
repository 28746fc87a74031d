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
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .._ids import check_id
from .._process import boot_id, host_name, is_running, is_stopped, process_started, user_id, write_private
from .._version import __version__
from ..exceptions import AgentServerError
from ..store import MARK
from ._locks import file_lock

__all__ = [
    "Connection",
    "claim",
    "clear_away",
    "connection_at",
    "connection_folder",
    "connections",
    "damaged_journals",
    "journal_path",
    "may_return_at",
    "normal_address",
    "revivable",
    "server_of",
    "socket_folder",
]

MAX_SOCKET_PATH = 100
THIS_MACHINE = {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""Names of this machine, and the addresses that they are dialled by."""
CLAIM_SECONDS = 10.0
OLD_SECONDS, ANCIENT_SECONDS = 3600.0, 14 * 24 * 3600.0
"""The age after which a log of a start, or a journal, is nobody's any more."""


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
    owner_pid: int = 0
    """The process that may start it again; where a user owns it, the one that launched it."""
    owner_started: str = ""
    autogen: str = ""
    """Where AutoGen's own workers are let in, if they are."""
    ending: bool = False
    """Has it been stopped? It ends its running calls, takes no new ones, and is nobody's server any more."""

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
            owner_pid=(parent := os.getppid()),
            owner_started=process_started(parent),
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
        write_private(self.path, asdict(self))

    def remove(self) -> None:
        """Remove the file, the log and the socket, not the journal; fine if they are gone."""
        for path in (self.path, self.log):
            with contextlib.suppress(OSError):
                path.unlink()
        if self.address.startswith("unix:"):
            with contextlib.suppress(OSError):
                Path(self.address.removeprefix("unix:")).unlink()

    def remove_journal(self) -> None:
        """Remove what its agents had become; nobody will start it again."""
        for path in socket_folder().glob(f"{self.server_id}.journal*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def may_return(self) -> bool:
        """Is it dead, and may somebody start it again in its place?"""
        if self.owner != "user":
            return self.owner_pid > 0 and is_running(self.owner_pid, self.owner_started)
        journal = journal_path(self.server_id)
        return journal.exists() and (self.fits_here() or _age(journal) < ANCIENT_SECONDS)

    def is_foreign(self) -> bool:
        """Does it run on another machine, or did it run before the last boot?"""
        return self.host != host_name() or self.boot != boot_id()

    def is_alive(self) -> bool:
        """Is the process that wrote it still there? Only its own machine can tell."""
        if self.is_foreign():
            return False
        return is_running(self.pid, self.pid_started)

    def is_ending(self) -> bool:
        """Has the server been stopped, and does it still end its running calls, as its file tells now?"""
        now = _read(self.path)
        return now is not None and now.ending and now.is_alive()

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
    """Return what the connection files tell of servers that run, here or on other machines.

    The files of dead ones of this machine are removed, unless somebody may start them again.
    """
    found = []
    for connection in _all():
        if connection.is_foreign() or connection.is_alive():
            found.append(connection)
        elif not connection.may_return():
            connection.remove()
            connection.remove_journal()
    return found


def connection_at(address: str) -> Connection | None:
    """Return this user's own server at an address, as its connection file tells of it."""
    address = normal_address(address)
    for connection in connections():
        if not connection.is_foreign() and normal_address(connection.address) == address:
            return connection
    return None


def server_of(server_id: str) -> Connection | None:
    """Return this user's server of that id on this machine: one that runs, or may be started again."""
    known = next((known for known in _all() if known.server_id == server_id), None)
    if known is None or known.is_foreign():
        return None
    return known if known.is_alive() or known.may_return() else None


def may_return_at(address: str) -> bool:
    """Does this user's server at an address run, not frozen, or may somebody start it again?"""
    address = normal_address(address)
    return any(
        normal_address(known.address) == address
        and (not is_stopped(known.pid) if known.is_alive() else known.may_return())
        for known in _all()
        if not known.is_foreign()
    )


def normal_address(address: str) -> str:
    """Return one spelling for an address; "localhost" never means whoever listens on IPv6."""
    host, colon, port = address.rpartition(":")
    return f"{THIS_MACHINE.get(host, host)}{colon}{port}"


def revivable() -> Connection | None:
    """Return this user's shared server for this interpreter and version, if it is dead and left a journal."""
    return next((c for c in _all() if c.fits_here() and not c.is_alive() and c.may_return()), None)


def clear_away() -> None:
    """Remove what dead servers and broken starts have left."""
    connections()
    for path in connection_folder().glob("start-*.log"):
        if _age(path) > OLD_SECONDS:
            path.unlink(missing_ok=True)
    for path in socket_folder().glob("*.journal*"):
        if _age(path) > ANCIENT_SECONDS:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def claim(server_id: str) -> Iterator[None]:
    """Keep this id while its server begins to listen and writes its file: exactly one can have it.

    Raises:
        AgentServerError: a server of that id runs already.
    """
    folder = connection_folder()
    with file_lock(folder, CLAIM_SECONDS):
        known = _read(folder / f"{server_id}.json")
        if known is not None and (known.is_alive() or known.host != host_name()):
            raise AgentServerError(
                f"an agent server with the id {server_id!r} runs already, as process {known.pid} of"
                f" {known.host}: stop it, or give another server_id"
            )
        yield


def _all() -> list[Connection]:
    found = map(_read, sorted(connection_folder().glob("*.json")))
    return [connection for connection in found if connection is not None]


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path) -> Connection | None:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and os.name == "posix":
            return None  # others could have written it
        fields = json.loads(path.read_text(encoding="utf-8"))
        connection = Connection(**fields)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return connection if connection.path == path else None


def connection_folder() -> Path:
    """Return the folder of connection files, ``nbagents`` in Jupyter's runtime folder, made if missing."""
    runtime = os.environ.get("JUPYTER_RUNTIME_DIR", "")
    if not runtime:
        from jupyter_core.paths import jupyter_runtime_dir  # slow to import, and only needed here

        runtime = jupyter_runtime_dir()
    folder = Path(runtime) / "nbagents"
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
        import tempfile  # takes long to load, and few systems need it

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


def damaged_journals() -> list[Path]:
    """Return the journals that could not be read and were set aside, the last one first."""
    return sorted(socket_folder().glob(f"{MARK}*.journal"), reverse=True)


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
