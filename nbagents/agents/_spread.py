"""`spread`: one message to many agents. Those that are free take it at once, a server gets it once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ._arguments import resolved
from ._call import Call, Way, mark_over, peek

if TYPE_CHECKING:
    from ._scheduler import Scheduler

__all__ = ["begin", "observed", "spread"]


def observed(agent: Any, value: Any) -> Exception | None:
    """Let an agent take a message into its memory; return why it would not."""
    try:
        peek(agent, "_observe_now")(value)
    except Exception as error:  # noqa: BLE001  # a memory may refuse: its own fault, not the hub's
        return error
    return None


def spread(clock: Scheduler, whole: Call, agents: Sequence[Any]) -> None:
    """Let agents observe the message of ``whole``, which is settled after the last. On the loop only."""
    (message,), needs = whole.args, whole.needs
    ready = all(promise.done for promise in needs)
    failed = ready and any(promise.error is not None for promise in needs)
    value = resolved(message) if ready and not failed else None
    over = _Countdown(clock, whole)
    alone: list[Any] = []
    ways: dict[Way, list[Any]] = {}
    for agent in agents:  # a thousand, often: each step counts
        own = peek(agent, "__dict__")
        remote, box = own.get("_remote"), own.get("_box")
        if remote is not None:
            way = remote.way()
            if way is not None:
                ways.setdefault(way, []).append(agent)
            else:
                alone.append(agent)
        elif ready and (box is None or not box.busy()) and peek(agent, "_observes_inline"):
            if not failed:  # an observer skips a message that failed, and the hub goes on
                error, keeper = observed(agent, value), own.get("_kept")
                if error is not None:
                    over.untold = over.untold or peek(agent, "_name")
                over.left += 1  # before it is asked: it may tell at once
                if keeper is None or not keeper.observed(error, over.told):
                    over.left -= 1
                    over.failure = error or over.failure
            if own.get("_open"):
                mark_over(agent, whole.id)
        else:
            alone.append(agent)

    def follow(agent: Any, whom: str) -> Call:
        key = f"{whole.key} {whom}" if whole.key else ""
        made = clock.follow(
            agent, message, "observe", whole.parent, whole.path, whole.client, needs, whole.chain, key
        )
        made.approve = whole.approve
        return made

    singles = [follow(agent, peek(agent, "__dict__").get("agent_id", "")) for agent in alone]
    parts = [(follow(None, f"part {number}"), way, some) for number, (way, some) in enumerate(ways.items())]
    over.left += len(singles) + len(parts)
    whole.needs = tuple(singles)  # for whoever looks for rings
    for agent, single in zip(alone, singles, strict=True):
        single.ended = over.one
        mark_over(agent, whole.id)
    clock.submit(singles)
    for part, way, some in parts:
        part.agent_name, part.ended = f"{len(some)} agents", over.part_of(some)
        way.send_all(part, [peek(agent, "_remote") for agent in some])
    over.one(whole)


def begin(clock: Scheduler, whole: Call) -> bool:
    """Let a question to many be known as a call that is not over; return whether it may be asked.

    It belongs to its run, to whoever asks it, and ends at its deadline. On the loop only.
    """
    parent = whole.parent
    if parent is not None:
        if not parent.done:
            parent.children = parent.children or set()
            parent.children.add(whole)
        if parent.deadline is not None:
            whole.deadline = min(parent.deadline, whole.deadline or parent.deadline)
    clock.live[whole.id] = whole
    return not clock.stops.late(whole)


class _Countdown:
    """Settles a broadcast when the last of its parts is over."""

    def __init__(self, clock: Scheduler, whole: Call) -> None:
        self.clock, self.whole, self.left = clock, whole, 1
        self.failure: BaseException | None = None
        self.untold = ""
        """Who failed to observe and had no call of its own, which would tell."""

    def one(self, call: Call) -> None:
        """One more is over."""
        self.told(call.error)

    def told(self, error: BaseException | None) -> None:
        """One more is over, and this is how."""
        self.failure = self.failure or error
        self.left -= 1
        if self.left == 0:
            if self.untold:
                self.whole.agent_name = self.untold
            else:
                self.whole.read = True  # each failure is told by the observe that failed
            self.clock.loop.call_soon(self.clock.settle, self.whole, None, self.failure)

    def part_of(self, agents: Sequence[Any]) -> Callable[[Call], None]:
        """Return what is to be called when a server has told that these agents have observed."""

        def over(call: Call) -> None:
            for agent in agents:
                mark_over(agent, self.whole.id)
            self.one(call)

        return over
