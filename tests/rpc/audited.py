"""An agent whose module, imported by a server at its start, listens to what Python does in that process.

The file that AUDIT_FILE names gets a line for each thing that no request may bring about.
"""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import sysconfig
import traceback
from pathlib import Path

from nbagents.agents import AgentBase

FORBIDDEN = (
    "pickle.find_class",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "socket.connect",
)
CODE = ("exec", "compile")
ROOTS = tuple(
    str(Path(root).resolve())
    for root in (
        sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"),
        Path(__file__).parents[2], "/proc/self", "/proc/sys", f"/proc/{os.getpid()}", "/dev/null",
        "/dev/urandom", os.environ.get("JUPYTER_RUNTIME_DIR", "/nowhere"),
        os.environ.get("XDG_RUNTIME_DIR", "/nowhere"),
    )
)  # fmt: skip
"""Where a server may read: its own code, its own process, and its own folders."""


def _by_python() -> bool:
    """Does Python import a module just now, or parse a line for the carets of a traceback?"""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(("<frozen importlib", traceback.__file__)):
            return True
        frame = frame.f_back
    return False


def _told(event: str, args: tuple[object, ...]) -> str | None:
    if event in FORBIDDEN:
        return event
    if event in CODE and not _by_python():
        return event
    if event == "open" and isinstance(args[0], str | bytes) and not _by_python():
        path = os.path.realpath(os.fsdecode(args[0]))
        return None if path.startswith(ROOTS) else f"open {path}"
    return None


def listen(path: str) -> None:
    """Write a line for each thing that must not happen, from now on."""
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event in FORBIDDEN or event in CODE or event == "open":
            told = _told(event, args)
            if told is not None:
                os.write(out, json.dumps(told).encode() + b"\n")

    sys.addaudithook(hook)


class Auditor(AgentBase):
    """Tells which modules its process has imported, or does each of the things that are listened for."""

    def reply(self, x=None):
        if x != "misbehave":
            return sorted(sys.modules)
        eval(compile("1", "<audit>", "eval"))
        open("/etc/passwd", encoding="utf-8").close()
        subprocess.run(["true"], check=True)
        sys.modules["pick" + "le"].loads(b"cos\nsystem\n.")
        with socket.socket() as client:
            client.settimeout(1)
            client.connect_ex(("127.0.0.1", 9))
        return io.StringIO().getvalue()


if (
    "AUDIT_FILE" in os.environ
    and getattr(sys.modules["__main__"].__spec__, "name", "") == "nbagents.rpc.__main__"
):
    listen(os.environ["AUDIT_FILE"])
