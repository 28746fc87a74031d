"""`execute_shell_command`: a tool that runs a line of the shell, in a sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...sandbox import Level, Limits
from .._effects import effects
from .._reserved import reserved
from ._execution import Execution
from ._place import MOST_SECONDS, Place, seconds_within

__all__ = ["execute_shell_command"]


@effects("execute")
@reserved("folder", "readable", "least", "max_timeout", network="network")
def execute_shell_command(
    command: str,
    timeout: float = 300,
    *,
    folder: str | Path | None = None,
    readable: Sequence[str | Path] = (),
    network: bool = False,
    least: Level | None = None,
    max_timeout: float = MOST_SECONDS,
) -> Execution:
    """Run a command by the shell, and return what it prints.

    It has no network, and a private folder to write in; nothing of it runs on when it has ended. No command
    is refused by its name: what keeps it from doing harm is the sandbox.

    Args:
        command: The command, as for ``/bin/sh``.
        timeout: Seconds after which it is stopped.
        folder: A folder that lasts, instead of a new one for each call.
        readable: Files and folders that it may read besides the system and this Python's packages.
        network: Whether it may use the network.
        least: The lowest level of a sandbox in which it may run.
        max_timeout: Seconds after which it is stopped also where timeout is more.

    Returns:
        Read, a `ServiceResponse`, whose content is what it printed, or how it failed; awaited, a
        `ToolResponse` with the return code, the output and the errors. It runs from the call on.

    Raises:
        UsageError: an argument cannot be met.
    """
    seconds = seconds_within(timeout, max_timeout)
    place = Place(folder, tuple(readable), network, least, Limits(seconds=seconds))
    work = place.run(["/bin/sh", "-c", command])
    return Execution(work, "command", seconds, Limits.memory)
