"""gRPC and forks: a process that is a fork of one that has used gRPC cannot use it; it would crash or hang.

So it is told. What needs no gRPC, agents of its own among it, works there.
"""

from __future__ import annotations

import os

from ..exceptions import UsageError

__all__ = ["check_fork", "is_cut_off"]

_used = False
_cut_off = False


def check_fork() -> None:
    """Say that gRPC is about to be used.

    Raises:
        UsageError: this process was forked from one that had used it.
    """
    global _used
    if _cut_off:
        raise UsageError(
            "this process is a fork of one that talked to agent servers, and gRPC does not survive a fork: "
            "agents of servers cannot be reached from here; start the process with multiprocessing's 'spawn'"
        )
    _used = True


def is_cut_off() -> bool:
    """Was this process forked from one that had used gRPC?"""
    return _cut_off


def _after_fork() -> None:
    global _cut_off
    _cut_off = _used


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
