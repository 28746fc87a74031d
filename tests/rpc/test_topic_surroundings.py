"""What surrounds the sending of a typed message surrounds its handler too: its run, and what tools may do."""

from __future__ import annotations

import asyncio
import random
import sys
import uuid

import pytest
from topics_here import worker

from nbagents import context
from nbagents.exceptions import CallCancelledError
from nbagents.rpc import RunTeller
from nbagents.runs import Run
from nbagents.runtime import RoutedAgent, rpc
from nbagents.tools import Policy
from nbagents.topics import AgentId, MessageContext

pytestmark = pytest.mark.timeout(120)
SPAN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Surrounded(RoutedAgent):
    """Says what it is a part of."""

    def __init__(self) -> None:
        super().__init__("says where it is")

    @rpc
    async def ask(self, message: str, ctx: MessageContext) -> list[object]:
        return [context.run.get(), dict(context.approve.get() or {}), context.traceparent.get()]


async def surrounded(work, write="deny"):
    context.run.set("r1")
    context.approve.set(Policy.of({"write": write}).rules)
    context.traceparent.set(SPAN)
    return await work


def test_a_handler_of_another_worker_is_a_part_of_the_same_run(server):
    kind = f"t{random.getrandbits(64):x}"

    async def main():
        async with worker(server, **{kind: Surrounded}), worker(server) as runtime:
            agent = AgentId(kind, "x")
            bare = await runtime.send_message("?", agent)
            return bare, await surrounded(runtime.send_message("?", agent))

    assert asyncio.run(main()) == (["", {}, ""], ["r1", {"write": "deny"}, SPAN])


def test_an_agent_of_the_host_may_do_what_its_run_allows(server, client, emptied, tmp_path):
    settings = {"class_name": "approval_agents:Scribe", "args": ["scribe"], "kwargs": {}}
    client.create_agent(settings | {"import_path": sys.path}, uuid.uuid4().hex)
    notes = tmp_path / "notes"

    async def main():
        async with worker(server) as runtime:
            return await surrounded(
                runtime.send_message(f"{notes}\none", AgentId("scribe", "default"), timeout=30), "auto"
            )

    assert asyncio.run(main()).content == "wrote one"
    assert notes.read_text() == "one\n"


def test_an_agent_of_the_host_takes_no_message_of_a_run_that_was_stopped(
    server, client, another, emptied, workspace, wait_for
):
    settings = {"class_name": "remote_agents:Echo", "args": ["parrot"], "kwargs": {}}
    client.create_agent(settings | {"import_path": sys.path}, uuid.uuid4().hex)
    teller = RunTeller(workspace, lambda: client.attachment)

    async def main(text):
        async with worker(server) as runtime:
            return (await runtime.send_message(text, AgentId("parrot", "default"), timeout=30)).content

    with Run("a talk", teller=teller) as run:
        assert asyncio.run(main("before")) == "parrot heard before"
        wait_for(lambda: another.runs(workspace))
        another.stop_run(run.id)
        with pytest.raises(CallCancelledError, match="the run was stopped by you"):
            asyncio.run(main("after"))
    assert asyncio.run(main("outside")) == "parrot heard outside"
