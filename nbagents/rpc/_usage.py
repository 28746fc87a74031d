"""What this process uses: processor and memory."""

from __future__ import annotations

import os
import time

__all__ = ["Usage", "resident_mib"]


class Usage:
    """The processor time of this process, from one look to the next."""

    def __init__(self) -> None:
        self._looked, self._used = time.monotonic(), _cpu_seconds()

    def cpu_percent(self) -> float:
        """Return what it has used since the last look, in percent of one core."""
        looked, used = self._looked, self._used
        self._looked, self._used = time.monotonic(), _cpu_seconds()
        return round(100 * (self._used - used) / max(self._looked - looked, 0.001), 1)


def resident_mib() -> float:
    """Return the memory that it holds, in MiB; 0 where nobody tells."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    except (OSError, ValueError):
        return 0.0


def _cpu_seconds() -> float:
    usage = os.times()
    return usage.user + usage.system
