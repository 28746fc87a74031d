"""Where code of a tool runs: a folder of its own for each call, or one that lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..._threads import on_thread
from ...sandbox import Finished, Level, Limits, Sandbox, make_scratch, remove_scratch

__all__ = ["Place"]


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


def _make(script: str | None) -> Path:
    made = make_scratch("work", "script")
    if script is not None:
        (made / "script" / "code.py").write_bytes(script.encode("utf-8", "replace"))
    return made
