"""Whoever listens to events hears what a worker sends and what it handles, as in one process."""

from __future__ import annotations

import asyncio
import random

from topic_agents import Answerer, Ask
from topics_here import worker

from nbagents import events
from nbagents.topics import AgentId


def test_what_is_sent_and_handled_is_told(server):
    kind, heard = f"t{random.getrandbits(64):x}", []

    async def main():
        async with worker(server, **{kind: Answerer}) as runtime:
            await runtime.send_message(
                Ask("hello"), AgentId(kind, "x"), sender=AgentId("me", "y"), message_id="m"
            )

    stop = events.subscribe(heard.append)
    try:
        asyncio.run(main())
    finally:
        stop()
    told = [event for event in heard if event.kind in ("sent", "handled") and event.data["message"] == "m"]
    assert [(event.kind, event.agent) for event in told] == [("sent", "me/y"), ("handled", f"{kind}/x")]
    assert {event.data["recipient"] for event in told} == {f"{kind}/x"}
    assert told[1].data["sender"] == "me/y"
    assert told[1].data["error"] is None
