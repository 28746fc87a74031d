"""`Deployment`: an app that is deployed, and the folder that tells every process of its user of it.

Each app in a process of its own has a folder, 0700, in the one of connection files: what tells how to reach
and how to end it, its log and, if it was written in a notebook, its code. The folder goes with the app. What
is told of other machines, which may share this home, is listed and never removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from .._ids import check_id, new_id
from .._process import boot_id, host_name, is_running, process_started, write_private
from .._version import __version__
from ..config import redact
from ..exceptions import DeploymentError, UsageError
from ..rpc._places import connection_folder

__all__ = ["Deployment", "deployments", "find_deployment", "in_threads", "new_folder", "stop_deployment"]

RECORD, LOG = "deployment.json", "log"
TICK = 0.05
GRACE = 10.0
"""Seconds beyond those of its answers that an app gets to end before it is ended by force."""
KEPT = 24 * 3600.0
"""Seconds for which the log of an app that did not end in order is kept."""
MOST_LOG = 8192


@dataclass(frozen=True, slots=True)
class Deployment:
    """An app that is deployed, of this user. ``repr`` does not show the token.

    ``mode`` is one of `DeploymentMode`, or "foreground" for one that a terminal runs; ``source`` is its
    ``module:app``, or "cells". ``started`` is in seconds since 1970.
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
    drain: float
    """Seconds that its answers get to end when it is stopped."""
    version: str = __version__

    @classmethod
    def of_this_process(
        cls, deploy_id: str, *, name: str, url: str, mode: str, source: str, token: str | None, drain: float
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
            drain=drain,
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

    def log_end(self, lines: int = 20) -> str:
        """Return the last lines of its log, in which keys and its token are masked."""
        return log_end(self.log, lines, self.token)

    def write(self) -> None:
        """Tell the other processes of this user."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        write_private(self.record, asdict(self))

    def remove(self) -> None:
        """Take away all that tells of it; fine if it is gone."""
        self._remove_header()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_header(self) -> None:
        """Remove the file for curl of one that could not do so itself, unless it is another app's by now."""
        path = connection_folder() / f"app-{self.url.rpartition(':')[2]}.header"
        with contextlib.suppress(OSError):
            if self.token and self.token in path.read_text(encoding="utf-8"):
                path.unlink()


in_threads: dict[str, tuple[Deployment, Callable[[], bool]]] = {}
"""What is deployed on threads of this process, with what tells whether it still serves."""


def deployments() -> list[Deployment]:
    """Return what this user has deployed: on threads of this process, and in processes of any.

    Those that died without a word are among them for a day, not `Deployment.alive`, so that their log can
    be read; those of other machines that share this home are `Deployment.foreign`. Any thread; reads files.
    """
    here = [deployment for deployment, serves in list(in_threads.values()) if serves()]
    found = []
    for folder in sorted(_apps_folder().iterdir()):
        deployment = _read(folder)
        if deployment is None:
            # Of a start that was cut off. What another version has written is not ours to judge.
            if _age(folder) > KEPT and not (folder / RECORD).exists():
                shutil.rmtree(folder, ignore_errors=True)
        elif deployment.foreign or deployment.alive or _age(deployment.record, deployment.log) < KEPT:
            found.append(deployment)
        else:
            deployment.remove()
    return [*here, *sorted(found, key=lambda deployment: deployment.started)]


def find_deployment(deploy_id: str) -> Deployment | None:
    """Return what is deployed under an id in a process of its own.

    Raises:
        UsageError: that is no id.
    """
    return _read(_apps_folder() / check_id(deploy_id, "deploy_id"))


def stop_deployment(deploy_id: str) -> Deployment:
    """End an app that has a process of its own, whoever of this user began it; return what it was.

    Answers under way get the seconds that it was deployed with; a process that then goes on is ended by
    force. One that has ended already is only taken off the list. Blocking; any process and thread.

    Raises:
        UsageError: there is none of that id, or it runs on another machine.
        DeploymentError: it cannot be ended.
    """
    found = find_deployment(deploy_id)
    if found is None:
        raise UsageError(f"nothing is deployed as {deploy_id!r}", hint="nbagents app list")
    if found.foreign:
        raise UsageError(f"{deploy_id} runs on the machine {found.machine}", hint="stop it there")
    if found.alive:
        _signal(found, signal.SIGTERM)
        if not _ends(found, found.drain + GRACE):
            _signal(found, getattr(signal, "SIGKILL", signal.SIGTERM))
            if not _ends(found, GRACE):
                raise DeploymentError(
                    f"the process {found.pid} of {found.name or 'the app'} does not end",
                    hint="look whether something holds it: a debugger, or a disk that does not answer",
                )
    found.remove()
    return found


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


def _signal(deployment: Deployment, number: int) -> None:
    """Send a signal to this very process: no other one that has got its pid meanwhile."""
    fd = -1
    try:
        try:
            fd = os.pidfd_open(deployment.pid)
        except ProcessLookupError:
            return
        except (AttributeError, OSError):
            pass  # not Linux, or a container that forbids it
        if not deployment.alive:
            return
        if fd >= 0:
            signal.pidfd_send_signal(fd, number)
        else:
            os.kill(deployment.pid, number)
    except ProcessLookupError:
        return
    except OSError as error:
        raise DeploymentError(
            f"the process {deployment.pid} cannot be ended: {error.strerror}",
            hint="stop it as the user who deployed it",
        ) from None
    finally:
        if fd >= 0:
            os.close(fd)


def _ends(deployment: Deployment, seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while deployment.alive:
        if time.monotonic() > limit:
            return False
        time.sleep(TICK)
    return True


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
