"""Opening what lies below a folder that is held open, and nothing else. Knows no files of its own.

The kernel itself looks below the folder, and follows no link on the way (`openat2`); elsewhere it is one
step after the other from the folder's own descriptor. So there is no moment between a check and the opening
in which a path could be exchanged.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import sys
from collections.abc import Sequence

__all__ = ["DIRECTORY", "LONGEST_PATH", "READ", "can_hold", "open_below", "open_folder"]

LONGEST_PATH = 4096
_CLOSED = getattr(os, "O_CLOEXEC", 0)
READ = os.O_RDONLY | _CLOSED | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
DIRECTORY = os.O_RDONLY | _CLOSED | getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BENEATH, _NO_SYMLINKS, _NO_MAGICLINKS = 0x08, 0x04, 0x02
_OPENAT2 = 437  # the same on every Linux but Alpha


def can_hold() -> bool:
    """Can folders be held open on this system, and files be opened below them?"""
    return hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd


def open_folder(path: str) -> int:
    """Return a descriptor of a folder, for `open_below`; links on the way to it are followed.

    Raises:
        OSError: it is no folder that can be read.
    """
    return os.open(path, DIRECTORY)


def open_below(root: int, parts: Sequence[str], flags: int = READ, mode: int = 0) -> int:
    """Open what lies below a folder by the names on the way to it; without any, the folder once more.

    No link is followed, neither on the way nor at its end. ``parts`` are plain names: neither "." nor ".."
    nor with a slash. ``mode`` is that of a file which ``flags`` may make.

    Raises:
        OSError: it is not there, or a link is on the way.
        ValueError: a name cannot be one on this system.
    """
    if any(part in ("", ".", "..") or "/" in part or "\0" in part for part in parts):
        raise ValueError("that is no path below a folder")
    if _has_openat2:
        return _openat2(root, "/".join(parts) or ".", flags, mode)
    return _walk(root, parts or ["."], flags, mode)


def _walk(root: int, parts: Sequence[str], flags: int, mode: int) -> int:
    step = root
    try:
        for part in parts[:-1]:
            below = os.open(part, DIRECTORY | _NO_LINK, dir_fd=step)
            if step != root:
                os.close(step)
            step = below
        return os.open(parts[-1], flags | _NO_LINK, mode, dir_fd=step)
    finally:
        if step != root:
            os.close(step)


@functools.cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)  # errors are kept for each thread


class _How(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


def _openat2(root: int, path: str, flags: int, mode: int) -> int:
    made = mode if flags & os.O_CREAT else 0
    how = _How(flags=flags, mode=made, resolve=_BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS)
    call = _library().syscall
    for _ in range(64):  # the kernel asks to try again while something else is renamed
        fd = call(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(root),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if fd >= 0:
            return int(fd)
        number = ctypes.get_errno()
        if number not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(number, os.strerror(number), path)


def _find_openat2() -> bool:
    """Is it there? Old kernels lack it, and some containers forbid it."""
    if sys.platform != "linux" or os.uname().machine == "alpha":
        return False
    try:
        root = os.open("/", DIRECTORY)
    except OSError:
        return False
    try:
        os.close(_openat2(root, ".", READ, 0))
    except (OSError, AttributeError):
        return False
    finally:
        os.close(root)
    return True


_has_openat2 = _find_openat2()
