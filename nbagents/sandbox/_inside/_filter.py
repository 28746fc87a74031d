"""A filter of system calls: it refuses those that no program of an agent needs, and that broke sandboxes."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ._calls import ABSENT, MACHINES, REFUSED
from ._kernel import prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["FAMILIES", "can_filter", "filter_calls"]

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, EQUAL, AT_LEAST, HAS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, MACHINE, FIRST = 0, 4, 16
"""Where the filter finds the number of a call, the machine's kind and the first argument's low half; each
argument takes eight bytes."""
ALLOW, ERROR = 0x7FFF0000, 0x00050000
X32 = 0x40000000
NEW_NAMESPACES = 0x7E020000
"""Every flag of clone that makes a namespace. (That for clocks would be taken for a signal.)"""
FAMILIES = frozenset({1, 2, 10, 16})
"""Sockets: local, IPv4, IPv6, and the one that lists network devices. Others leave the machine unseen."""

MAKE, BORROWED_RIGHTS = 0o100, 0o6000
"""The flag of open that makes a file; the bits of a mode by which a program runs with its owner's rights."""


def can_filter() -> bool:
    """Is the machine one whose calls are known here?"""
    return os.uname().machine in MACHINES


def filter_calls(families: Collection[int], *, shares: bool) -> None:
    """Refuse dangerous calls from now on, and sockets but of these families, for good.

    No file can be given the bits by which who runs it gets its owner's rights: it may lie where others reach
    it, when the sandbox is gone. Where the program shares the machine with
    others, ``shares``, it cannot ask for memory that all may use, nor set their priorities and limits.

    Raises:
        OSError: the kernel does not grant it.
    """
    program = _program(families, shares=shares)
    code = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    prctl("no new privileges", PR_SET_NO_NEW_PRIVS, 1)
    prctl("seccomp", PR_SET_SECCOMP, MODE_FILTER, ctypes.create_string_buffer(pointer, len(pointer)))


def _program(families: Collection[int], *, shares: bool) -> bytes:
    calls = MACHINES[os.uname().machine]
    deny, allow = (RETURN, 0, 0, ERROR | errno.EPERM), (RETURN, 0, 0, ALLOW)
    lines = [(LOAD, 0, 0, MACHINE), (EQUAL, 1, 0, calls.kind), deny, (LOAD, 0, 0, NUMBER)]
    lines += [(AT_LEAST, 0, 1, X32), deny]
    for number in ABSENT:
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERROR | errno.ENOSYS)]
    for number in (*calls.refused, *REFUSED, *(calls.shared if shares else ())):
        lines += [(EQUAL, 0, 1, number), deny]
    for number, whose in calls.on_others if shares else ():
        lines += [(EQUAL, 0, 4, number), (LOAD, 0, 0, _at(whose)), (EQUAL, 0, 1, 0), allow, deny]
    for number in calls.scheduler if shares else ():
        # A thread names itself here by a number of its own, which is no harm: all are told that it is done.
        lines += [(EQUAL, 0, 4, number), (LOAD, 0, 0, _at(0)), (EQUAL, 0, 1, 0), allow, (RETURN, 0, 0, ERROR)]
    for number, mode in calls.modes:
        lines += [(EQUAL, 0, 4, number), (LOAD, 0, 0, _at(mode)), (HAS, 0, 1, BORROWED_RIGHTS), deny, allow]
    for number, flags, mode in calls.opens:
        lines += [(EQUAL, 0, 6, number), (LOAD, 0, 0, _at(flags)), (HAS, 0, 3, MAKE)]
        lines += [(LOAD, 0, 0, _at(mode)), (HAS, 0, 1, BORROWED_RIGHTS), deny, allow]
    lines += [(EQUAL, 0, 4, calls.clone), (LOAD, 0, 0, _at(0)), (HAS, 0, 1, NEW_NAMESPACES), deny, allow]
    lines += [(EQUAL, 0, 2 + 2 * len(families), calls.socket), (LOAD, 0, 0, _at(0))]
    for family in sorted(families):
        lines += [(EQUAL, 0, 1, family), allow]
    lines += [(RETURN, 0, 0, ERROR | errno.EACCES), allow]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _at(argument: int) -> int:
    return FIRST + 8 * argument
