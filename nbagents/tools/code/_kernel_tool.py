"""`run_python`: the tool of a `KernelExecutor`, which finds its kernel by an id, here or in a server."""

from __future__ import annotations

import contextlib
import functools
import time
import weakref
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from ..._loop import background
from ...sandbox import Level, Limits
from .._effects import effects
from .._reserved import reserved
from .._response import ToolResponse

if TYPE_CHECKING:
    from ._kernel import KernelExecutor

__all__ = ["KernelTool", "executors", "run_python"]

IDLE = 1800.0
"""Seconds after which a kernel that only its tool knows ends, if nothing was run in it."""
MOST = 8
"""How many of these a process keeps; for one more, the one that was used longest ago ends."""
executors: weakref.WeakValueDictionary[str, KernelExecutor] = weakref.WeakValueDictionary()
"""The executors of this process, by id."""
_kept: dict[str, tuple[KernelExecutor, float]] = {}  # those that only their tool knows, and their last use


class KernelTool(functools.partial[AsyncIterator[ToolResponse]]):
    """`run_python` for one executor; to be registered as a tool."""

    __name__ = "run_python"

    def __tool__(self) -> dict[str, Any]:
        """Return how it becomes a tool, also in another process; see `Tool`."""
        return {"function": self.func, "preset_kwargs": self.keywords}


@effects("execute")
@reserved("kernel", "timeout", "folder", "readable", "limits", "least", network="network")
async def run_python(
    code: str,
    *,
    kernel: str,
    timeout: float,  # noqa: ASYNC109  # a cell's: that is interrupted, and no task cancelled
    folder: str | None,
    readable: Sequence[str],
    network: bool,
    limits: dict[str, float],
    least: int | None,
) -> AsyncIterator[ToolResponse]:
    """Run Python code in a notebook's kernel, which remembers what was run before.

    What the code prints, the value of its last line and the plots it draws are shown.

    Args:
        code: The code of one cell.
        kernel: The id of the executor; in another process than its own there is one more of it.
        timeout: Seconds that a cell may take.
        folder: Where it works.
        readable: What it may read besides.
        network: Whether it may use the network.
        limits: How much it may take.
        least: The lowest level of a sandbox.
    """
    executor = executors.get(kernel)
    if executor is None:
        from ._kernel import KernelExecutor

        executor = KernelExecutor(
            timeout,
            folder=folder,
            readable=readable,
            network=network,
            limits=Limits(**limits),  # type: ignore[arg-type]
            least=None if least is None else Level(least),
            id=kernel,
        )
        background().post(_keep, executor)
    if kernel in _kept:
        _kept[kernel] = executor, time.monotonic()
    async with contextlib.aclosing(executor.answers(code)) as answers:
        async for answer in answers:
            yield answer


def _keep(executor: KernelExecutor) -> None:
    _kept[executor.id] = executor, time.monotonic()
    for old in sorted(_kept, key=lambda id: _kept[id][1])[:-MOST]:
        _kept.pop(old)[0].close()
    background().loop.call_later(IDLE, _look)


def _look() -> None:
    """End what has not been used for long; on the loop, where closing does not wait."""
    for id, (executor, used) in [*_kept.items()]:
        if time.monotonic() - used < IDLE:
            continue
        if executor.busy:
            background().loop.call_later(IDLE, _look)
            continue
        del _kept[id]
        executor.close()
