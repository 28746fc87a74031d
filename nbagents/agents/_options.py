"""`call_options`: how long calls may take, and whether they may be repeated."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from .. import context
from ..exceptions import UsageError
from ._call import current_call

__all__ = ["call_options", "idempotency_key"]


@contextlib.contextmanager
def call_options(*, timeout: float | None = None, retry: bool = False) -> Iterator[None]:
    """Make the calls inside with a deadline, or marked as safe to repeat.

    With ``timeout`` each call made inside ends by a `CallTimeoutError` that many seconds after the block
    was entered, unless an earlier deadline holds already. With ``retry`` a call whose agent server dies is
    made again in the server that is started in its place, three times in all, within its deadline; an
    answer that the first attempt had given already is not made twice. Only the caller can know that this
    is safe: an agent with side effects of its own tells repeated attempts by `idempotency_key`.

    The mark goes along: the calls that such an agent makes of agents in servers are repeatable too. When its
    own server dies, what the next attempt asks of them in the same words is answered from what they have
    answered already. Messages that were to be observed are told again, and taken once.

        with call_options(timeout=30, retry=True):
            reply = poet("a haiku about rain")

    Raises:
        UsageError: ``timeout`` is not positive.
    """
    if timeout is not None and not timeout > 0:
        raise UsageError(f"a timeout of {timeout} s leaves no time: give a positive number of seconds")
    resets = []
    if timeout is not None:
        limit, outer = time.monotonic() + timeout, context.deadline.get()
        resets.append((context.deadline, context.deadline.set(limit if outer is None else min(limit, outer))))
    marked = context.retry.set(context.retry.get() or retry)
    try:
        yield
    finally:
        context.retry.reset(marked)
        for variable, token in resets:
            variable.reset(token)


def idempotency_key() -> str:
    """Return what the attempts at the running call have in common; "" if it is not marked as repeatable.

    For an agent's code whose side effects must happen once: it is the same in each attempt at one call,
    and another one for each call.
    """
    call = current_call()
    return call.key if call is not None else ""
