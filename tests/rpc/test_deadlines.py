"""Deadlines and cancellations go down the chain of calls, through servers, threads and queues."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator

import pytest
from chain_agents import BlockingSleeper, Noted, Sleeper
from remote_agents import Counter, Echo

from nbagents import context
from nbagents.exceptions import CallCancelledError, CallTimeoutError


@contextlib.contextmanager
def deadline_in(seconds: float) -> Iterator[float]:
    at = time.monotonic() + seconds
    token = context.deadline.set(at)
    try:
        yield at
    finally:
        context.deadline.reset(token)


@pytest.fixture
def chain(server, other, make_in):
    """A asks B, in another server, which asks C, in the first one, which sleeps."""

    def make(name: str, kinds: tuple[type, type]):
        c = make_in(server, Sleeper, f"{name}.c")
        b = make_in(other, kinds[1], f"{name}.b", server.address, c.agent_id)
        a = make_in(server, kinds[0], f"{name}.a", other.address, b.agent_id)
        return a, b, c

    return make


@pytest.fixture
def noted(server, other, make_in):
    """What agents of both servers have noted; they share one monotonic clock."""
    notebooks = [make_in(server, Noted, "noted"), make_in(other, Noted, "noted")]
    return lambda: {key: at for book in notebooks for key, at in book().content.items()}


KINDS = [(Sleeper, Sleeper), (BlockingSleeper, Sleeper), (Sleeper, BlockingSleeper), (BlockingSleeper,) * 2]


@pytest.mark.parametrize("kinds", KINDS)
def test_what_a_call_asks_for_ends_at_its_deadline(chain, noted, wait_for, kinds):
    name = "d" + "".join(kind.__name__[0] for kind in kinds)
    a, _, _ = chain(name, kinds)
    noted()  # the ways are open
    with deadline_in(0.8) as at:
        message = a(20)
    with pytest.raises(CallTimeoutError, match=f"the deadline of the call of {name}.a passed"):
        message.result(timeout=10)
    assert time.monotonic() - at < 0.5
    wait_for(lambda: all(f"{name}.{who} ended" in noted() for who in "abc"))
    found = noted()
    late = {who: found[f"{name}.{who} ended"] - at for who in "abc"}
    assert all(-0.05 < seconds < 0.5 for seconds in late.values()), late  # 0.1 where nothing else runs
    assert not any(f"{name}.{who} slept" in found for who in "abc")


@pytest.mark.parametrize("kinds", KINDS)
def test_what_a_cancelled_call_asks_for_is_cancelled(chain, noted, wait_for, kinds):
    name = "c" + "".join(kind.__name__[0] for kind in kinds)
    a, _, _ = chain(name, kinds)
    message = a(20)
    wait_for(lambda: f"{name}.c began" in noted())
    message.cancel()
    at = time.monotonic()
    with pytest.raises(CallCancelledError):
        message.result(timeout=5)
    wait_for(lambda: all(f"{name}.{who} ended" in noted() for who in "abc"))
    assert all(noted()[f"{name}.{who} ended"] - at < 0.5 for who in "abc")


def test_a_call_in_a_queue_ends_at_its_deadline_and_is_never_begun(server, make_in, wait_for, noted):
    sleeper = make_in(server, Sleeper, "queued")
    first = sleeper(0.8)
    wait_for(lambda: "queued began" in noted())
    began = noted()["queued began"]
    with deadline_in(0.2) as at:
        late = sleeper(5)
    with pytest.raises(CallTimeoutError):
        late.result(timeout=5)
    assert time.monotonic() - at < 0.4
    assert first.content == "slept"
    assert noted()["queued began"] == began


def test_a_deadline_also_counts_for_a_call_of_a_call_that_waits_in_a_queue(server, other, make_in, noted):
    target = make_in(other, Sleeper, "target")
    asker = make_in(server, BlockingSleeper, "asker", other.address, target.agent_id)
    busy = target(1.5)
    with deadline_in(0.3):
        message = asker(9)
    with pytest.raises(CallTimeoutError):
        message.result(timeout=5)
    assert busy.content == "slept"
    assert target(0).result(timeout=5).content == "slept"  # nothing else holds it


def test_cancelled_calls_leave_the_order_of_the_others(remote):
    counter, rng = remote(Counter), random.Random(7)
    gate = remote(Sleeper, "before")
    first = gate(0.3)
    messages = [counter(first) for _ in range(200)]
    cancelled = set(rng.sample(range(200), 80))
    for n in sorted(cancelled, key=lambda _: rng.random()):
        messages[n].cancel()
    left = [m.result(timeout=10).content for n, m in enumerate(messages) if n not in cancelled]
    assert left == [str(n) for n in range(1, 121)]
    for n in cancelled:
        with pytest.raises(CallCancelledError):
            messages[n].result(timeout=5)


def test_a_call_made_by_a_body_that_is_over_time_is_not_begun(remote, client, wait_for):
    echo = remote(Echo)
    with deadline_in(-0.1):
        message = echo("too late")
    with pytest.raises(CallTimeoutError):
        message.result(timeout=5)
    assert echo("in time").content == "echo heard in time"
    assert [m.content for m in client.get_agent_memory(echo.agent_id)] == ["in time", "echo heard in time"]
