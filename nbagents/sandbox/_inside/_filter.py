"""A filter of system calls: it refuses those that no program of an agent needs, and that broke sandboxes."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ._kernel import prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["FAMILIES", "can_filter", "filter_calls"]

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, EQUAL, AT_LEAST, HAS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, MACHINE, FIRST = 0, 4, 16
"""Where the filter finds the number of a call, the machine's kind and the first argument's low half."""
ALLOW, ERROR = 0x7FFF0000, 0x00050000
X32 = 0x40000000
NEW_NAMESPACES = 0x7E020000
"""Every flag of clone that makes a namespace. (That for clocks would be taken for a signal.)"""
FAMILIES = frozenset({1, 2, 10, 16})
"""Sockets: local, IPv4, IPv6, and the one that lists network devices. Others leave the machine unseen."""

_SAME = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442)
"""io_uring, the new calls for mounts, and taking descriptors from others: equal on all machines."""
_Calls = tuple[int, ...]
_MACHINES: dict[str, tuple[int, int, int, _Calls, tuple[tuple[int, int], ...], _Calls, _Calls]] = {
    # Machine's kind, clone, socket; what leads to memory that all share: shmget, shmat, semget, msgget,
    # mq_open; what makes another process slower, and which argument names that: setpriority, prlimit,
    # ioprio_set; the same by the scheduler; and in this order: ptrace, process_vm_*, kcmp, mount, umount,
    # pivot_root, chroot, unshare, setns, keys, bpf, perf, userfaultfd, kexec, modules, file handles, swap,
    # reboot, acct, clocks, syslog.
    "x86_64": (
        0xC000003E, 56, 41, (29, 30, 64, 68, 240),
        ((141, 1), (302, 0), (251, 1)), (203, 144, 142, 314),
        (101, 310, 311, 312, 165, 166, 155, 161, 272, 308, 248, 249, 250, 321, 298, 323, 246, 320, 175, 313,
         176, 303, 304, 167, 169, 163, 164, 227, 103, 172, 173, 154),
    ),
    "aarch64": (
        0xC00000B7, 220, 198, (194, 196, 190, 186, 180),
        ((140, 1), (261, 0), (30, 1)), (122, 119, 118, 274),
        (117, 270, 271, 272, 40, 39, 41, 51, 97, 268, 217, 218, 219, 280, 241, 282, 104, 294, 105, 273, 106,
         264, 265, 224, 142, 89, 170, 112, 116),
    ),
}  # fmt: skip
CLONE3 = 435


def can_filter() -> bool:
    """Is the machine one whose calls are known here?"""
    return os.uname().machine in _MACHINES


def filter_calls(families: Collection[int], *, shares: bool) -> None:
    """Refuse dangerous calls from now on, and sockets but of these families, for good.

    Where the program shares the machine with others, ``shares``, it cannot ask for memory that all may use,
    nor set the priorities and limits of others.

    Raises:
        OSError: the kernel does not grant it.
    """
    program = _program(families, shares=shares)
    code = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    prctl("no new privileges", PR_SET_NO_NEW_PRIVS, 1)
    prctl("seccomp", PR_SET_SECCOMP, MODE_FILTER, ctypes.create_string_buffer(pointer, len(pointer)))


def _program(families: Collection[int], *, shares: bool) -> bytes:
    kind, clone, socket, shared, others, scheduler, refused = _MACHINES[os.uname().machine]
    deny = (RETURN, 0, 0, ERROR | errno.EPERM)
    allow = (RETURN, 0, 0, ALLOW)
    lines = [(LOAD, 0, 0, MACHINE), (EQUAL, 1, 0, kind), deny, (LOAD, 0, 0, NUMBER)]
    lines += [(AT_LEAST, 0, 1, X32), deny]
    # The C library knows what to do without it; its flags are in memory, which no filter can read.
    lines += [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ERROR | errno.ENOSYS)]
    for number in (*refused, *_SAME, *(shared if shares else ())):
        lines += [(EQUAL, 0, 1, number), deny]
    for number, argument in others if shares else ():
        lines += [(EQUAL, 0, 4, number), (LOAD, 0, 0, FIRST + 8 * argument), (EQUAL, 0, 1, 0), allow, deny]
    for number in scheduler if shares else ():
        # A thread names itself here by a number of its own, which is no harm: all are told that it is done.
        lines += [(EQUAL, 0, 4, number), (LOAD, 0, 0, FIRST), (EQUAL, 0, 1, 0), allow, (RETURN, 0, 0, ERROR)]
    lines += [(EQUAL, 0, 4, clone), (LOAD, 0, 0, FIRST), (HAS, 0, 1, NEW_NAMESPACES), deny, allow]
    lines += [(EQUAL, 0, 2 + 2 * len(families), socket), (LOAD, 0, 0, FIRST)]
    for family in sorted(families):
        lines += [(EQUAL, 0, 1, family), allow]
    lines += [(RETURN, 0, 0, ERROR | errno.EACCES), allow]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
