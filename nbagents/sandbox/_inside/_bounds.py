"""Limits of the kernel on a process, and the rights of root taken away."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys

from ._kernel import checked, libc, prctl
from ._settings import Settings

__all__ = ["drop_rights", "hide", "set_limits"]

PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, CLEAR_ALL = 4, 24, 38, 47, 4
CAP_VERSION_3, LAST_CAP = 0x20080522, 63
SPACE = 4
"""A process may reserve so many times the memory that it may use: libraries reserve what they never touch."""
SUPERVISORS = 3
"""Processes of ours that count as the user's."""


def set_limits(settings: Settings) -> None:
    """Limit this process and all that it starts."""
    memory = settings.number("memory")
    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_DATA": memory,
        "RLIMIT_AS": memory * SPACE,
        "RLIMIT_FSIZE": settings.number("file"),
        "RLIMIT_NOFILE": settings.number("files"),
        "RLIMIT_NPROC": settings.number("processes") + settings.number("others") + SUPERVISORS,
    }
    for name, value in wanted.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        most = resource.getrlimit(kind)[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):
            if sys.platform == "linux":  # elsewhere some limits exist by name only
                raise
    os.nice(5)  # the agents and the notebook go first


def drop_rights() -> None:
    """Give up all capabilities, for this process and all that it starts, for good."""
    prctl("no new privileges", PR_SET_NO_NEW_PRIVS, 1)
    for number in range(LAST_CAP + 1):
        if libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0:
            break  # no such capability, or no right to drop it: then there is none to be gained either
    libc.prctl(PR_CAP_AMBIENT, CLEAR_ALL, 0, 0, 0)
    header, nothing = struct.pack("=Ii", CAP_VERSION_3, 0), bytes(24)
    checked(
        "capabilities", libc.capset(ctypes.create_string_buffer(header), ctypes.create_string_buffer(nothing))
    )


def hide() -> None:
    """Keep this process's memory from those that it watches."""
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
