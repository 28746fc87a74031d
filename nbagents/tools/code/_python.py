"""`execute_python_code`: a tool that runs Python, in a sandbox."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ...exceptions import UsageError
from ...sandbox import Level, Limits
from .._effects import effects
from .._reserved import reserved
from ._execution import Execution
from ._place import MOST_SECONDS, Place, seconds_within

__all__ = ["execute_python_code"]


@effects("execute")
@reserved(
    "use_docker", "maximum_memory_bytes", "folder", "readable", "least", "max_timeout", network="network"
)
def execute_python_code(
    code: str,
    timeout: float = 300,
    use_docker: bool | str | None = None,
    maximum_memory_bytes: int | None = None,
    *,
    folder: str | Path | None = None,
    readable: Sequence[str | Path] = (),
    network: bool = False,
    least: Level | None = None,
    max_timeout: float = MOST_SECONDS,
) -> Execution:
    """Run Python code in a process of its own, and return what it prints; print what you want to see.

    It has no network, and a private folder to write in; nothing of it runs on when it has ended.

    Args:
        code: The code.
        timeout: Seconds after which it is stopped.
        use_docker: Of AgentScope; there is a sandbox at all times, and Docker is not used.
        maximum_memory_bytes: Memory that it may take, 1 GiB by default.
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
    if use_docker:
        raise UsageError(
            "use_docker=True cannot be met: code runs in a sandbox of this machine, without Docker",
            hint="leave use_docker out; least=Level.BUBBLEWRAP asks for the strongest sandbox",
        )
    seconds = seconds_within(timeout, max_timeout)
    memory = Limits.memory if maximum_memory_bytes is None else maximum_memory_bytes
    place = Place(folder, tuple(readable), network, least, Limits(seconds=seconds, memory=memory))
    work = place.run([sys.executable, "-u", "-P"], script=code)
    return Execution(work, "code", seconds, memory)
