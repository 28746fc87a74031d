"""How the end of a server is told: to each call that was there, and with what its owner knows of it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
import weakref

from ..agents import Call
from ..exceptions import NbAgentsError, ServerLostError

__all__ = ["HINT", "children", "died", "exit_text", "for_call", "same"]

children: weakref.WeakValueDictionary[int, subprocess.Popen[bytes]] = weakref.WeakValueDictionary()
"""The server processes that this process has started, by pid."""
REAP_SECONDS = 0.1
HINT = "make the call again: a server of your notebook or program is started again by itself"


async def died(who: str, pid: int, server_id: str) -> ServerLostError:
    """Return the error that says that a server's process has ended, and how, where it was ours."""
    process, limit = children.get(pid), time.monotonic() + REAP_SECONDS
    while process is not None and process.poll() is None and time.monotonic() < limit:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    status = exit_text(process.returncode if process is not None else None)
    error = ServerLostError(
        f"the agent server {who} is gone: it {'was ' + status if status.startswith('killed') else status}"
        if status
        else f"the agent server {who} is gone: it has ended, or was killed",
        hint=HINT,
    )
    error.server_id, error.exit_status = server_id, status
    return error


def exit_text(status: int | None) -> str:
    """Say how a process ended; "" if it is not known."""
    if status is None:
        return ""
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = f" ({signal.Signals(-status).name})"
    except ValueError:
        name = ""
    return f"killed by signal {-status}{name}"


def same(error: NbAgentsError) -> NbAgentsError:
    """Return a fresh exception like this one: many calls fail by it, each with its own traceback."""
    fresh = type(error)(str(error))
    vars(fresh).update(vars(error))
    return fresh


def for_call(error: NbAgentsError, call: Call) -> NbAgentsError:
    """Return the error of one call whose stream has ended; after a death it says whether to repeat it."""
    if not isinstance(error, ServerLostError):
        return same(error)
    if call.key:
        after = f"after {call.attempts} attempts; it is safe to repeat"
    else:
        after = "which may have done a part of its work: repeat it only if that does no harm"
    fresh = ServerLostError(f"{error}, and with it the call of {call.label()}, {after}")
    vars(fresh).update(vars(error) | {"retryable": bool(call.key)})
    return fresh
