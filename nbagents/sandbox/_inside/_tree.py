"""Which processes there are, and what memory they take, as /proc tells; nobody and none where it does not."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["below", "everybody", "memory_of"]

PAGE = os.sysconf("SC_PAGE_SIZE")


def everybody() -> list[int]:
    """Return all processes but this one."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    except OSError:
        return []


def below(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    found: list[int] = []
    open_ends = [pid]
    while open_ends:
        parent = open_ends.pop()
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except OSError:
            continue
        for thread in threads:
            children = [int(child) for child in _read(f"/proc/{parent}/task/{thread}/children").split()]
            found += children
            open_ends += children
    return found


def memory_of(pids: Iterable[int], most: int) -> int:
    """Return how many bytes these processes take together; what they share counts once if it matters."""
    pids = list(pids)
    roughly = sum(_resident(pid) for pid in pids)
    return roughly if roughly <= most else sum(_own(pid) for pid in pids)


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * PAGE if len(fields) > 1 else 0


def _own(pid: int) -> int:
    """Return a process's part of the memory that it uses: what it shares with others is split among them."""
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return _resident(pid)


def _read(path: str) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 65536).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)
