"""Which levels work on this machine, found by trying each, and why the others do not."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import subprocess
import sys

from ..exceptions import NbAgentsError, SandboxError
from ._command import Launch, bubblewrap
from ._level import VARIABLE, Level
from ._limits import Limits
from ._scratch import make_scratch, remove_scratch
from ._view import View

__all__ = ["attempt", "best_level", "check_level", "reasons", "shows_processes"]

SECONDS = 20.0
TRIED = 'cat "$1" > /dev/null 2>&1 || { echo 1 > "$2" && echo closed; }'
"""A file outside cannot be read, and one inside be written."""


def best_level() -> Level:
    """Return the highest level that works on this machine. Tried once in a process; up to a second.

    Raises:
        SandboxError: none does: this is no POSIX system.
    """
    if sys.platform == "win32":
        raise SandboxError(
            "there are no sandboxes on Windows", hint="use WSL, a container, or a server on Linux"
        )
    return max(level for level, why in _tried().items() if not why)


def reasons() -> dict[Level, str]:
    """Return why each higher level does not work here; it is empty where the highest does."""
    if sys.platform == "win32":
        return dict.fromkeys(Level, "this is Windows")
    return {level: why for level, why in _tried().items() if why and level > best_level()}


def check_level(least: Level) -> Level:
    """Return the best level.

    Raises:
        SandboxError: it is lower than ``least``; the message says why.
    """
    best = best_level()
    if best >= least:
        return best
    why = "; ".join(f"{level.name.lower()}: {text}" for level, text in sorted(reasons().items()))
    raise SandboxError(
        f"code runs here in a sandbox of the level {best.name.lower()} only, and {least.name.lower()} is the"
        f" least that is allowed ({why})",
        hint="install bubblewrap (apt-get install bubblewrap), or accept what there is:"
        f" {VARIABLE}={best.name.lower()}",
    )


def shows_processes(level: Level) -> bool:
    """Can a sandbox of this level have a /proc of its own? In some containers it cannot."""
    return level < Level.NAMESPACES or level not in _without_proc


_without_proc: set[Level] = set()


@functools.cache
def _tried() -> dict[Level, str]:
    """Try the levels, the highest first, until one works; return each with what is in its way."""
    found: dict[Level, str] = {}
    for level in sorted(Level, reverse=True):
        if level is Level.LIMITS:
            found[level] = ""
        elif sys.platform != "linux":
            found[level] = "this is not Linux"
        elif level is Level.BUBBLEWRAP and bubblewrap() is None:
            found[level] = "bubblewrap is not installed"
        else:
            found[level] = _obstacle(level)
    return found


def _obstacle(level: Level) -> str:
    why = attempt(level, shows_processes=True)
    if why and level >= Level.NAMESPACES and not attempt(level, shows_processes=False):
        _without_proc.add(level)
        return ""
    return why


def attempt(level: Level, *, shows_processes: bool) -> str:
    """Return why a sandbox of this level cannot be made, or does not close; "" if all is well."""
    outer = make_scratch("work")
    folder, canary = outer / "work", outer / "canary"
    canary.write_text("outside")
    ours, theirs = socket.socketpair()
    try:
        view = View.of(folder, (), network=False)
        launch = Launch(
            level,
            view,
            Limits(),
            network=False,
            sockets=False,
            scratch=None,
            shows_processes=shows_processes,
        )
        environment = launch.environment({})
        argv = ["/bin/sh", "-c", TRIED, "sh", str(canary), str(folder / "made")]
        command = launch.command(argv, theirs.fileno(), environment)
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env=environment,
            pass_fds=(theirs.fileno(),),
            timeout=SECONDS,
            check=False,
        )
        theirs.close()
        if run.stdout == "closed\n" and (folder / "made").exists():
            return ""
        return _told(ours) or (run.stderr.strip().splitlines() or ["it does not close"])[-1][:200]
    except (OSError, subprocess.SubprocessError, NbAgentsError) as error:
        return str(error)[:200]
    finally:
        with contextlib.suppress(OSError):
            theirs.close()
        ours.close()
        remove_scratch(outer)


def _told(line: socket.socket) -> str:
    line.settimeout(1)
    with contextlib.suppress(OSError):
        for told in os.fsdecode(line.recv(4096)).splitlines():
            if told.startswith("error "):
                return told.removeprefix("error ")
    return ""
