"""Who waits for whom, and how a ring of waiting calls is untied.

Two agents that consult each other would lock up with mailboxes, though blocking code would not. So
whenever a body starts to wait, and whenever a call that waits for its argument comes to the head of
a queue, the waits-for graph is searched for a ring. If the ring contains a queued call, the one that
blocking code would have run first is let in to the agent that is suspended anyway. A ring of pure
data dependence cannot be untied: it is a `DeadlockError` that names it.

Sees one process only; see `_rings` for several.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..exceptions import DeadlockError
from ._call import ENDED, QUEUED, Call
from ._mailbox import Mailbox

if TYPE_CHECKING:
    from ._scheduler import Scheduler

__all__ = ["blockers", "dependencies", "let_in", "untie"]


def dependencies(call: Call) -> list[Call]:
    """Return the calls whose replies are arguments of this one and live in this process."""
    return [promise for promise in call.needs if isinstance(promise, Call)]


def untie(scheduler: Scheduler, start: Call) -> None:
    """Let a queued call in for each ring through ``start``; raise DeadlockError where none can be."""
    while (ring := _ring(start)) is not None:
        queued = [call for call, by in zip(ring, ring[1:] + ring[:1], strict=True) if _stuck(call, by)]
        if not queued:
            names = " -> ".join(call.label() for call in [*ring, ring[0]])
            raise DeadlockError(f"these calls wait for each other: {names}")
        let_in(scheduler, min(queued, key=lambda c: c.path))


def let_in(scheduler: Scheduler, call: Call) -> None:
    """Let a queued call in to its agent, which is suspended anyway. Nothing if it is not queued."""
    mailbox = call.mailbox
    if mailbox is None or call.done or call not in mailbox.queue:
        return
    mailbox.queue.remove(call)
    if mailbox.running is not None:
        holder = mailbox.running
        holder.inner = mailbox = holder.inner or Mailbox(holder)
        call.mailbox = mailbox
    mailbox.queue.insert(0, call)
    scheduler.loop.call_soon(scheduler.pump, mailbox)


def _stuck(call: Call, by: Call) -> bool:
    owner = call.mailbox.owner if call.mailbox is not None else None
    return call.state == QUEUED and by is not owner and by not in dependencies(call)


def blockers(call: Call) -> Iterator[Call]:
    """Yield the calls of this process that a call waits for; all of them must end before it can go on."""
    if call.remote is not None:
        return
    if call.state == ENDED or (call.done and call.state == QUEUED):
        # Over, but what its own chain asked of the agent may still hold it.
        if call.inner is not None and call.inner.busy():
            yield call.inner.running or call.inner.queue[0]
    elif call.state == QUEUED:
        mailbox = call.mailbox
        if mailbox is not None:
            if mailbox.running is not None:
                yield mailbox.running
            elif not mailbox.open() and mailbox.owner is not None:
                yield mailbox.owner
            elif mailbox.queue and mailbox.queue[0] is not call:
                yield mailbox.queue[0]
        yield from (dep for dep in dependencies(call) if not dep.done)
    else:
        waits = [wait for wait in call.waits if not wait.done]
        yield from waits
        if not waits and call.waits and call.inner is not None and call.inner.busy():
            yield call.inner.running or call.inner.queue[0]


def _ring(start: Call) -> list[Call] | None:
    """Return the calls on a path of blockers that leads back to ``start``."""
    stack: list[tuple[Call, Iterator[Call]]] = [(start, blockers(start))]
    seen = {start}
    while stack:
        for blocker in stack[-1][1]:
            if blocker is start:
                return [call for call, _ in stack]
            if blocker not in seen:
                seen.add(blocker)
                stack.append((blocker, blockers(blocker)))
                break
        else:
            stack.pop()
    return None
