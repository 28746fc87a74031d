"""`Limits`: how much a program in a sandbox may take."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..exceptions import UsageError

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """How much a program in a sandbox, with all that it starts, may take.

    >>> Limits(seconds=5).memory // 2**20
    1024

    Raises:
        UsageError: one is not above zero.
    """

    seconds: float = 30.0
    """How long it runs; `Sandbox.start` does not look at it."""
    memory: int = 2**30
    """Bytes of memory: of each process, and of all together."""
    processes: int = 64
    """Processes at a time."""
    file: int = 100_000_000
    """Bytes of one file; of all together in each of the temporary folders of a sandbox with namespaces."""
    output: int = 1_000_000
    """Bytes of output that are kept, and as many of what it says of errors.

    More is dropped, and the program ended when it is 64 times as much.
    """
    files: int = 256
    """Files open at a time, in one process."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise UsageError(f"the limit {field.name} of a sandbox is a number above zero, not {value!r}")
