"""Where code of a tool runs: a folder of its own for each call, or one that lasts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..._threads import on_thread
from ...exceptions import UsageError
from ...sandbox import Finished, Level, Limits, Sandbox, make_scratch, remove_scratch

__all__ = ["MOST_SECONDS", "Place", "seconds_within"]

MOST_SECONDS = 300.0
"""How long code may run unless the programmer says otherwise, whatever the model asks for."""


@dataclass(frozen=True)
class Place:
    """What a programmer has set for code that a model writes."""

    folder: str | Path | None
    readable: Sequence[str | Path]
    network: bool
    least: Level | None
    limits: Limits

    async def run(self, argv: Sequence[str], *, script: str | None = None) -> Finished:
        """Run a program; ``script`` is the text of a file whose path is its last argument.

        Raises:
            SandboxError: there is no sandbox that is good enough.
            UsageError: the folder cannot be used.
        """
        made = await on_thread(_make, script)
        try:
            given, readable = list(argv), [*self.readable]
            if script is not None:
                readable.append(made / "script")
                given.append(str(made / "script" / "code.py"))
            folder = made / "work" if self.folder is None else self.folder
            sandbox: Sandbox = await on_thread(self._sandbox, folder, readable)
            imported = {} if script is None else {"PYTHONPATH": str(sandbox.folder)}
            return await sandbox.run(given, environment=imported)
        finally:
            await on_thread(remove_scratch, made)

    def _sandbox(self, folder: str | Path, readable: Sequence[str | Path]) -> Sandbox:
        return Sandbox(folder, limits=self.limits, least=self.least, network=self.network, readable=readable)


def seconds_within(asked: float, most: float) -> float:
    """Return how long code may run: as long as was asked for, and ``most`` seconds at most.

    >>> seconds_within(20, 300), seconds_within(1e19, 300)
    (20, 300)

    Raises:
        UsageError: one of them is no number of seconds above zero.
    """
    for name, seconds in (("timeout", asked), ("max_timeout", most)):
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not number or not math.isfinite(seconds) or seconds <= 0:
            raise UsageError(f"{name} is a number of seconds above zero, not {seconds!r:.40}")
    return min(asked, most)


def _make(script: str | None) -> Path:
    made = make_scratch("work", "script")
    if script is not None:
        (made / "script" / "code.py").write_bytes(script.encode("utf-8", "replace"))
    return made
