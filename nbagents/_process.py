"""How a child process of ours is started: its command, its environment, and who is who.

The child runs the same interpreter, in a neutral folder, without the caller's secrets in its
environment. What it needs to know it reads from its standard input, never from its arguments, which
every user of the machine can read.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

__all__ = [
    "boot_id",
    "child_command",
    "child_environment",
    "close_to_others",
    "host_name",
    "is_running",
    "is_stopped",
    "process_started",
    "user_id",
    "write_private",
]

_SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")
_PRIVATE = ("OPENAI_", "OTEL_", "JPY_", "JUPYTERHUB_", "NBAGENTS_", "PYTHONSTARTUP", "PYTHONBREAKPOINT")
_PASSED_ON = ("NBAGENTS_SANDBOX",)
"""What a person accepts for code of models, in servers too."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def child_command(module: str, python: str | None = None) -> list[str]:
    """Return the command that runs one of our modules; the working folder stays off its import path.

    ``python`` is the interpreter, by default this process's.
    """
    return [python or sys.executable, "-P", "-m", module]


def child_environment(python: str | None = None, *, proxies: bool = True) -> dict[str, str]:
    """Return this process's environment without anything that looks like a secret.

    ``proxies=False`` takes the proxy settings away too, for a child that only serves this machine. A child
    of another interpreter, ``python``, finds the package where that one has it.
    """
    kept = {name: value for name, value in os.environ.items() if not _is_private(name)}
    if not proxies:
        kept = {name: value for name, value in kept.items() if name.upper() not in _PROXIES}
    # Relative to where this process is: the child is elsewhere, maybe where others can write. An empty part
    # would be the child's own folder.
    path = [os.path.abspath(part) for part in kept.pop("PYTHONPATH", "").split(os.pathsep) if part]
    home = str(Path(__file__).resolve().parents[1])
    ours = python in (None, sys.executable)
    import sysconfig  # takes long to load, and a server starts none

    if ours and home not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        # Run from a checkout: the child finds the package where this process found it.
        path = [home, *(part for part in path if part != home)]
    if path:
        kept["PYTHONPATH"] = os.pathsep.join(path)
    return kept


def _is_private(name: str) -> bool:
    upper = name.upper()
    if upper in _PASSED_ON:
        return False
    return upper.startswith(_PRIVATE) or any(word in upper for word in _SECRET_WORDS)


def close_to_others() -> None:
    """Keep other programs of this user out of this process's memory, and its secrets out of core dumps."""
    if sys.platform == "linux":
        import ctypes
        import resource

        with contextlib.suppress(OSError, AttributeError, ValueError):
            ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def is_running(pid: int, started: str) -> bool:
    """Is the process of that pid, which started at that time, still there?"""
    now = process_started(pid)
    if started or now:
        return now == started
    if sys.platform == "win32":
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def is_stopped(pid: int) -> bool:
    """Is the process frozen by a signal, or by a debugger? False where nobody can tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] in ("T", "t")
    except (OSError, IndexError):
        return False


def process_started(pid: int) -> str:
    """Return when a process started, in a form to compare only; "" if it is gone, or nobody can tell."""
    if Path("/proc/self/stat").exists():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            fields = stat.rpartition(")")[2].split()
            return (
                "" if fields[0] in ("Z", "X") else fields[19]
            )  # a zombie has ended; its parent has not looked
        except (OSError, IndexError):
            return ""
    if sys.platform == "win32":
        return ""
    command = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


@functools.cache
def boot_id() -> str:
    """Return what names this boot of this machine; a pid means something within it only."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@functools.cache
def host_name() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


def user_id() -> str:
    """Return what names the user of this process."""
    if hasattr(os, "getuid"):
        return str(os.getuid())
    return hashlib.sha256(os.environ.get("USERNAME", "").encode()).hexdigest()[:8]


def write_private(path: Path, tree: object) -> None:
    """Write a JSON file that its user alone can read; who looks sees all of it or what was there before.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(tree, file)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
