"""What this process uses: processor and memory."""

from __future__ import annotations

import os
import time

__all__ = ["Usage"]


class Usage:
    """What this process uses; its processor from one look to the next. Memory is 0 where nobody tells."""

    def __init__(self) -> None:
        self._looked, self._used = time.monotonic(), _cpu_seconds()

    def told(self) -> dict[str, float]:
        """Return ``cpu``, in percent of one core since the last time, and ``mem``, in MiB."""
        return {"cpu": self._percent(), "mem": _resident_mib()}

    def _percent(self) -> float:
        looked, used = self._looked, self._used
        self._looked, self._used = time.monotonic(), _cpu_seconds()
        return round(100 * (self._used - used) / max(self._looked - looked, 0.001), 1)


def _resident_mib() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    except (OSError, ValueError):
        return 0.0


def _cpu_seconds() -> float:
    usage = os.times()
    return usage.user + usage.system
