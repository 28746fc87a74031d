"""Landlock: this process and its children may open these files, and no others."""

from __future__ import annotations

import ctypes
import os
import struct

from ._kernel import libc, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["landlock_version", "restrict"]

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
READ, OF_FILES = EXECUTE | READ_FILE | READ_DIR, EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
TCP, SCOPES = 0b11, 0b11
"""To bind and to connect; abstract sockets and signals of those outside."""


def landlock_version() -> int:
    """Return which Landlock the kernel has; 0 if none."""
    return max(
        int(libc.syscall(ctypes.c_long(CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint(1))), 0
    )


def restrict(read: Iterable[str], write: Iterable[str], *, network: bool) -> None:
    """Let this process, and all that it starts, open only what is below these paths, for good.

    Raises:
        OSError: the kernel has no Landlock, or does not grant it.
    """
    version = landlock_version()
    files = BY_VERSION[max(min(version, 5), 1)]
    tcp = TCP if version >= 4 and not network else 0
    rules = struct.pack("=QQQ", files, tcp, SCOPES if version >= 6 else 0)
    rules_fd = syscall("Landlock", CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), ctypes.c_uint(0))
    try:
        for paths, rights in ((read, READ), (write, files)):
            for path in paths:
                _allow(rules_fd, path, rights & files)
        syscall("Landlock", RESTRICT_SELF, ctypes.c_int(rules_fd), ctypes.c_uint(0))
    finally:
        os.close(rules_fd)


def _allow(rules_fd: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        if not os.path.isdir(path):
            rights &= OF_FILES
        rule = struct.pack("=Qi", rights, fd)
        syscall(
            f"Landlock for {path}", ADD_RULE, ctypes.c_int(rules_fd), ctypes.c_int(1), rule, ctypes.c_uint(0)
        )
    finally:
        os.close(fd)
