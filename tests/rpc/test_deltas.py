"""What streams: the first piece at once, what follows joined, nothing lost, nothing out of its order."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid

from remote_agents import Babbler

from nbagents import context, events
from nbagents.rpc._deltas import LARGEST, WINDOW, Deltas


async def paused(deltas):
    """Wait until nothing has come for a moment."""
    while deltas._timer is not None:  # noqa: ASYNC110  # nobody is told when that is
        await asyncio.sleep(WINDOW / 5)


def together(told, work):
    """Run ``work`` with what joins pieces into ``told``, and wait until nothing of it waits."""

    async def main():
        deltas = Deltas(lambda about, text, count: told.append((about, text, count)))
        await work(deltas)
        await paused(deltas)

    asyncio.run(asyncio.wait_for(main(), 20))


def test_the_first_piece_waits_for_nobody_and_the_others_come_as_one():
    told = []

    async def work(deltas):
        for number in range(10):
            deltas.take("a", number, f"{number} ")
        assert told == [(0, "0 ", 1)]

    together(told, work)
    assert told == [(0, "0 ", 1), (9, "".join(f"{number} " for number in range(1, 10)), 9)]


def test_a_piece_that_comes_after_a_pause_is_told_at_once():
    told = []

    async def work(deltas):
        deltas.take("a", 1, "one")
        await paused(deltas)
        deltas.take("a", 2, "two")
        assert [text for _, text, _ in told] == ["one", "two"]

    together(told, work)


def test_the_calls_are_kept_apart_and_share_their_moments():
    told = []

    async def work(deltas):
        for number in range(3):
            for call in "abc":
                deltas.take(call, call, f"{number}")

    together(told, work)
    assert told == [
        ("a", "0", 1),
        ("b", "0", 1),
        ("c", "0", 1),
        ("a", "12", 2),
        ("b", "12", 2),
        ("c", "12", 2),
    ]


def test_numbers_that_grow_are_told_as_they_grow():
    told = []

    async def work(deltas):
        numbers = iter(range(100))
        for call in "abaabcbcad":
            deltas.take(call, next(numbers), call)
        deltas.take("a", next(numbers), "x" * (LARGEST + 1))

    together(told, work)
    seen = [number for number, _, _ in told]
    assert seen == sorted(seen)
    assert sum(count for _, _, count in told) == 11


def test_what_comes_after_is_told_after_and_much_does_not_wait():
    told = []

    async def work(deltas):
        deltas.take("a", 1, "one")
        deltas.take("a", 2, "two")
        deltas.flush()
        assert [text for _, text, _ in told] == ["one", "two"]
        deltas.take("a", 3, "x" * (LARGEST + 1))
        assert len(told) == 3, "it takes too much room to wait"
        deltas.take("a", 4, "nobody hears this")
        deltas.close()

    together(told, work)
    assert len(told) == 3


def test_a_fast_stream_comes_over_the_wire_in_few_events_and_whole(remote):
    babbler, heard = remote(Babbler), []
    unsubscribe = events.subscribe(heard.append)
    try:
        begun = time.monotonic()
        reply = babbler(3000).result(60)
        took = time.monotonic() - begun
    finally:
        unsubscribe()
    texts = [event.data["text"] for event in heard if event.kind == "delta"]
    assert "".join(texts) == reply.content
    assert texts[0] == f"{0:100} "
    most = took / WINDOW + len(reply.content) / LARGEST + 10
    assert len(texts) <= most, "as many as there were moments, and not as there were pieces"
    assert [event.kind for event in heard if event.kind != "delta"][-1] == "done", "and nothing after its end"


def test_what_was_told_and_what_is_kept_fit_together(client, another, remote):
    babbler, run_id = remote(Babbler), uuid.uuid4().hex
    told, over, begun = [], threading.Event(), threading.Event()

    def listen(event):
        told.append(event)
        begun.set()
        if event["kind"] == "ended":
            over.set()

    client.begin_run(run_id, title="a talk")
    stop = another.watch_run(run_id, listen)
    token = context.run.set(run_id)
    try:
        waiting = babbler(20_000)
    finally:
        context.run.reset(token)
    assert begun.wait(20)
    looks = [client.run_events(run_id) for _ in range(5)]  # while it babbles: something waits for others
    whole = waiting.result(60).content
    client.end_run(run_id, "done")
    assert over.wait(20)
    stop()
    pieces = [event for event in told if event["kind"] == "delta"]
    assert "".join(event["data"]["text"] for event in pieces) == whole
    for kept in looks:
        seen = max((event["seq"] for event in kept), default=0)
        before = "".join(event["data"]["text"] for event in kept if event["kind"] == "delta")
        after = "".join(event["data"]["text"] for event in pieces if event["seq"] > seen)
        assert before + after == whole, "whoever looks and listens on hears nothing twice, and all of it"


def test_the_first_piece_is_there_before_the_others(remote):
    babbler, first = remote(Babbler), threading.Event()
    unsubscribe = events.subscribe(lambda event: event.kind == "delta" and first.set())
    try:
        reply = babbler(20_000)
        assert first.wait(20)
        assert not reply._promise.done
        reply.result(60)
    finally:
        unsubscribe()
