"""What the kernel is asked for that Python has no name for."""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["checked", "die_with_parent", "libc", "prctl", "syscall"]

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, SIGKILL = 1, 9


def checked(what: str, result: int) -> int:
    """Return the result of a call of the C library.

    Raises:
        OSError: it is below zero.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def syscall(what: str, number: int, *args: Any) -> int:
    """Make a system call by its number.

    Raises:
        OSError: the kernel refuses.
    """
    return checked(what, libc.syscall(ctypes.c_long(number), *args))


def prctl(what: str, option: int, *args: Any) -> int:
    """Ask for something about this process.

    Raises:
        OSError: the kernel refuses.
    """
    given = [value if isinstance(value, ctypes.Array) else ctypes.c_ulong(value) for value in args]
    given += [ctypes.c_ulong(0)] * (4 - len(given))
    return checked(what, libc.prctl(ctypes.c_int(option), *given))


def die_with_parent() -> None:
    """Have this process killed when the thread that started it ends."""
    prctl("die with parent", PR_SET_PDEATHSIG, SIGKILL)
