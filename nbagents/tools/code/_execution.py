"""`Execution`: code that runs in a sandbox, as callers of AgentScope 0.x and of 1.x both expect it."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Coroutine, Generator, ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from ... import context
from ..._loop import THREAD_TICK, background
from ...exceptions import WouldBlockLoopError
from ...sandbox import Finished
from .._response import ToolResponse
from .._service import ServiceExecStatus, ServiceResponse

__all__ = ["Execution"]


class Execution(ServiceResponse):
    """Code that runs, or has run: a `ServiceResponse` to whoever reads it, a `ToolResponse` to who awaits it.

    It runs from the call on. Reading ``status``, ``content`` or what a dictionary has waits for its end, in
    ticks, so that an interrupt gets in; an interrupt ends the code, and so does a cancelled ``await``.
    ``content`` is what it printed, or, where it failed, how; awaited, ``content`` is a block with all of it.

    Reading raises `WouldBlockLoopError` on the background loop, and `SandboxError` where there is no sandbox.
    """

    def __init__(self, work: Coroutine[Any, Any, Finished], what: str, seconds: float, memory: int) -> None:
        super().__init__(ServiceExecStatus.ERROR, None)  # its keys are known at once
        self._what, self._seconds, self._memory = what, seconds, memory
        self._call = context.frame.get()
        self._future = background().spawn(work)

    # ---- those who wait

    def __await__(self) -> Generator[Any, Any, ToolResponse]:
        """Wait for the end; cancelling this ends the code."""
        return self._arrive().__await__()

    async def _arrive(self) -> ToolResponse:
        return self._response(await background().arrive(self._future))

    def _wait(self) -> Finished:
        if not self._future.done():
            if background().here():
                raise WouldBlockLoopError(
                    f"the {self._what} has not ended yet, and waiting here would stop every agent",
                    hint="put await before the call",
                )
            self._block()
        return self._future.result()

    def _block(self) -> None:
        try:
            while not self._future.done():
                concurrent.futures.wait([self._future], THREAD_TICK)
                if self._call is not None and self._call.error is not None and not self._future.done():
                    raise self._call.error  # the call whose body waits here was ended
        except BaseException:
            self._future.cancel()
            raise

    # ---- what has come of it

    def _said(self, finished: Finished) -> tuple[str, str]:
        """Return what it printed, and what of errors, with a word on how it was ended."""
        out, err = (data.decode("utf-8", "replace") for data in (finished.stdout, finished.stderr))
        if finished.left_out:
            out += f"\n… ({finished.left_out} more bytes of output are left out)"
        ended = {
            "timeout": f"TimeoutError: the {self._what} did not end within {self._seconds:g} s",
            "memory": f"MemoryError: the {self._what} took more than {self._memory} bytes",
            "processes": f"RuntimeError: the {self._what} started too many processes",
            "output": f"RuntimeError: the {self._what} printed without end",
            "killed": f"RuntimeError: the {self._what} was ended from outside",
        }
        if finished.ended in ended:
            err += ("\n" if err and not err.endswith("\n") else "") + ended[finished.ended]
            err += ", and was stopped with all that it had started"
        return out, err

    def _response(self, finished: Finished) -> ToolResponse:
        out, err = self._said(finished)
        code = finished.returncode
        return ToolResponse.of_text(
            f"<returncode>{code}</returncode><stdout>{out}</stdout><stderr>{err}</stderr>",
            is_error=code != 0,
            metadata={
                "returncode": code,
                "ended": finished.ended,
                "sandbox": finished.level.name.lower(),
            },
        )

    def _both(self) -> dict[str, Any]:
        finished = self._wait()
        out, err = self._said(finished)
        if finished.returncode == 0:
            return {"status": ServiceExecStatus.SUCCESS, "content": out}
        return {
            "status": ServiceExecStatus.ERROR,
            "content": "\n".join(filter(None, (out.rstrip("\n"), err))),
        }

    # ---- a dictionary, which waits

    def __getitem__(self, key: str) -> Any:
        return self._both()[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return ``status`` or ``content``."""
        return self._both().get(key, default)

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Return both, by name."""
        return self._both().items()

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """Return the names of both."""
        return self._both().keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """Return both."""
        return self._both().values()

    def __iter__(self) -> Iterator[str]:
        return iter(self._both())

    def __eq__(self, other: object) -> bool:
        return self is other or self._both() == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if not self._future.done():
            return f"<{self._what} that runs in a sandbox>"
        return repr(self._both())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # how a notebook shows it
        printer.text(str(self))
