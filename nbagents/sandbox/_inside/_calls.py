"""`Calls`: the numbers of the system calls that the filter knows, for each kind of machine."""

from __future__ import annotations

__all__ = ["ABSENT", "MACHINES", "REFUSED", "Calls"]

_Numbers = tuple[int, ...]
_Pairs = tuple[tuple[int, int], ...]

ABSENT = (435, 437)
"""clone3 and openat2, which have their flags in memory, where no filter can look. Libraries do without."""
REFUSED = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442)
"""io_uring, the new calls for mounts, taking descriptors from others. These numbers are equal everywhere."""


class Calls:
    """The numbers of one kind of machine; in pairs the second is which argument matters."""

    def __init__(
        self,
        *,
        kind: int,
        clone: int,
        socket: int,
        refused: _Numbers,
        shared: _Numbers,
        on_others: _Pairs,
        scheduler: _Numbers,
        modes: _Pairs,
        opens: tuple[tuple[int, int, int], ...],
    ) -> None:
        self.kind = kind
        """What the kernel calls the machine."""
        self.clone, self.socket, self.refused = clone, socket, refused
        self.shared = shared
        """What leads to memory that all programs share."""
        self.on_others = on_others
        """What sets limits or priorities, and whose."""
        self.scheduler = scheduler
        """The same by the scheduler; whose is the first argument."""
        self.modes = modes
        """What gives a file a mode."""
        self.opens = opens
        """What opens files: where its flags are, and the mode of a file that it makes."""


MACHINES = {
    "x86_64": Calls(
        kind=0xC000003E,
        clone=56,
        socket=41,
        # ptrace, process_vm_*, kcmp, mount, umount, pivot_root, chroot, unshare, setns, keys, bpf, perf,
        # userfaultfd, kexec, modules, file handles, swap, reboot, acct, clocks, syslog, ports, modify_ldt
        refused=(
            101, 310, 311, 312, 165, 166, 155, 161, 272, 308, 248, 249, 250, 321, 298,
            323, 246, 320, 175, 313, 176, 303, 304, 167, 169, 163, 164, 227, 103, 172, 173, 154,
        ),
        shared=(29, 30, 64, 68, 240),  # shmget, shmat, semget, msgget, mq_open
        on_others=((141, 1), (302, 0), (251, 1)),  # setpriority, prlimit, ioprio_set
        scheduler=(203, 144, 142, 314),
        modes=((90, 1), (91, 1), (268, 2), (452, 2), (133, 1), (259, 2), (85, 1)),  # chmod, mknod, creat
        opens=((2, 1, 2), (257, 2, 3)),
    ),
    "aarch64": Calls(
        kind=0xC00000B7,
        clone=220,
        socket=198,
        refused=(
            117, 270, 271, 272, 40, 39, 41, 51, 97, 268, 217, 218, 219, 280, 241,
            282, 104, 294, 105, 273, 106, 264, 265, 224, 142, 89, 170, 112, 116,
        ),
        shared=(194, 196, 190, 186, 180),
        on_others=((140, 1), (261, 0), (30, 1)),
        scheduler=(122, 119, 118, 274),
        modes=((52, 1), (53, 2), (452, 2), (33, 2)),
        opens=((56, 2, 3),),
    ),
}  # fmt: skip
