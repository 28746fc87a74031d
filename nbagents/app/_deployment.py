"""`Deployment`: an app that serves, and the folder that tells every process of its user of it.

Each address of an app has a folder, 0700, in the one of connection files: what tells how to reach and how to
end it, its token as curl reads it and, if it has a process of its own, its log and the code of a notebook's.
The folder goes with the app; what one has left that was killed goes when somebody looks next. What is told of
other machines, which may share this home, is listed and never removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from .._ids import check_id, new_id
from .._process import boot_id, host_name, is_running, process_started, write_private
from .._version import __version__
from ..config import redact
from ..exceptions import AgentServerError
from ..rpc._places import connection_folder

__all__ = [
    "DAEMON_THREAD",
    "DETACHED_PROCESS",
    "FOREGROUND",
    "RUN",
    "Deployment",
    "deployments",
    "find_deployment",
    "log_end",
    "new_folder",
]

RUN, DAEMON_THREAD = "run", "daemon_thread"
"""Modes of apps that serve on a thread of a process that has other things to do as well."""
FOREGROUND, DETACHED_PROCESS = "foreground", "detached_process"
"""Modes of apps that have a process for themselves, which a signal may end."""
RECORD, LOG, HEADER, STOP = "deployment.json", "log", "curl.header", "stop"
KEPT = 24 * 3600.0
"""Seconds for which the log of an app that did not end in order is kept."""
MOST_LOG = 8192


@dataclass(frozen=True, slots=True)
class Deployment:
    """An app that serves at an address, of this user. ``repr`` does not show the token.

    ``mode`` is one of `DeploymentMode`, "run" for what `AgentApp.run` serves in a notebook or script, or
    "foreground" for what a terminal runs; ``source`` is its ``module:app``, or "cells". ``started`` is in
    seconds since 1970.
    """

    deploy_id: str
    name: str
    url: str
    mode: str
    source: str
    token: str | None = field(repr=False)
    pid: int
    pid_started: str
    machine: str
    boot: str
    started: float
    shutdown_timeout: float
    """Seconds that its answers get to end when it is stopped."""
    version: str = __version__

    @classmethod
    def of_this_process(
        cls,
        deploy_id: str,
        *,
        name: str,
        url: str,
        mode: str,
        source: str,
        token: str | None,
        shutdown_timeout: float,
    ) -> Deployment:
        """Describe an app that this process serves."""
        return cls(
            deploy_id=deploy_id,
            name=name,
            url=url,
            mode=mode,
            source=source,
            token=token,
            pid=(pid := os.getpid()),
            pid_started=process_started(pid),
            machine=host_name(),
            boot=boot_id(),
            started=time.time(),
            shutdown_timeout=shutdown_timeout,
        )

    @property
    def foreign(self) -> bool:
        """Is it of another machine? Nobody can tell from here whether it runs."""
        return self.machine != host_name()

    @property
    def alive(self) -> bool:
        """Does its process run, on this machine and since its last boot?"""
        here = (self.machine, self.boot) == (host_name(), boot_id())
        return here and is_running(self.pid, self.pid_started)

    @property
    def is_on_a_thread(self) -> bool:
        """Does its process do other things too, so that no signal may end it? A kernel does.

        One of a mode that is not known here, of another version say, counts as such.
        """
        return self.mode not in (FOREGROUND, DETACHED_PROCESS)

    @property
    def is_of_this_process(self) -> bool:
        """Is it served by this process?"""
        return self.pid == os.getpid() and self.alive

    @property
    def whereabouts(self) -> str:
        """Where it serves, in words."""
        if self.is_of_this_process:
            return "which this process serves"
        where = (
            f"served by the process {self.pid}" if self.is_on_a_thread else f"deployed as {self.deploy_id}"
        )
        return f"{where} on {self.machine}" if self.foreign else where

    @property
    def folder(self) -> Path:
        """The folder that is its own."""
        return _apps_folder() / self.deploy_id

    @property
    def record(self) -> Path:
        """The file that tells of it, token and all."""
        return self.folder / RECORD

    @property
    def log(self) -> Path:
        """Where what it prints goes, if it has no terminal."""
        return self.folder / LOG

    @property
    def header(self) -> Path:
        """A file with the header that clients send, for ``curl -H @file``: so no command shows the token."""
        return self.folder / HEADER

    def log_end(self, lines: int = 20) -> str:
        """Return the last lines of its log, in which keys and its token are masked."""
        return log_end(self.log, lines, self.token)

    def write(self) -> None:
        """Tell the other processes of this user.

        Raises:
            OSError: that cannot be written.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.token is not None:
            self.header.unlink(missing_ok=True)
            fd = os.open(self.header, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                file.write(f"Authorization: Bearer {self.token}\n")
        write_private(self.record, asdict(self))

    def remove(self) -> None:
        """Take away all that tells of it; fine if it is gone."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask_to_stop(self) -> None:
        """Ask the process that serves it on a thread to end it. Only its user can write there.

        Raises:
            OSError: that cannot be written; FileNotFoundError if it has ended.
        """
        os.close(os.open(self.folder / STOP, os.O_WRONLY | os.O_CREAT, 0o600))

    def is_asked_to_stop(self) -> bool:
        """Has another process asked for its end? No, where that cannot be seen at this moment."""
        try:
            return (self.folder / STOP).exists()
        except (OSError, AgentServerError):
            return False

    def to_dict(self) -> dict[str, Any]:
        """Return what may be shown of it, without the token; ``state`` is "serving", "dead" or "foreign"."""
        told = {name: value for name, value in asdict(self).items() if name not in ("token", "boot")}
        return {**told, "state": "foreign" if self.foreign else "serving" if self.alive else "dead"}


def deployments() -> list[Deployment]:
    """Return what serves of this user's apps: behind notebooks, in terminals and in processes of their own.

    Those in a process of their own that died without a word are among them for a day, not `Deployment.alive`,
    so that their log can be read; what others have left that were killed is cleared away. Those of other
    machines that share this home are `Deployment.foreign`. Any thread; reads files.
    """
    found = []
    for folder in sorted(_apps_folder().iterdir()):
        deployment = _read(folder)
        if deployment is None:
            # Of a start that was cut off. What another version has written is not ours to judge.
            if _age(folder) > KEPT and not (folder / RECORD).exists():
                shutil.rmtree(folder, ignore_errors=True)
        elif deployment.foreign or deployment.alive:
            found.append(deployment)
        elif deployment.log.exists() and _age(deployment.record, deployment.log) < KEPT:
            deployment.header.unlink(missing_ok=True)
            found.append(deployment)
        else:
            deployment.remove()
    return sorted(found, key=lambda deployment: deployment.started)


def find_deployment(deploy_id: str) -> Deployment | None:
    """Return what is deployed under an id.

    Raises:
        UsageError: that is no id.
    """
    return _read(_apps_folder() / check_id(deploy_id, "deploy_id"))


def new_folder() -> tuple[str, Path]:
    """Make the folder of a deployment that begins; return its id and it."""
    deploy_id = new_id()[:16]
    folder = _apps_folder() / deploy_id
    folder.mkdir(mode=0o700)
    return deploy_id, folder


def log_end(path: Path, lines: int, *secrets: str | None) -> str:
    """Return the last lines of a log; keys in it, and these secrets, are masked."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - MOST_LOG))
            text = file.read(MOST_LOG).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(redact(text, *secrets).strip().splitlines()[-lines:])


def _apps_folder() -> Path:
    folder = connection_folder() / "apps"  # nobody else can enter the one that it lies in
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _read(folder: Path) -> Deployment | None:
    path = folder / RECORD
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            return None  # others could have written it
        told = json.loads(path.read_text(encoding="utf-8"))
        known = {one.name for one in fields(Deployment)}  # another version may tell more
        deployment = Deployment(**{name: value for name, value in told.items() if name in known})
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return deployment if deployment.deploy_id == folder.name else None


def _age(*paths: Path) -> float:
    """Return the seconds since the last of these was written."""
    times = []
    for path in paths:
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return time.time() - max(times, default=time.time())
