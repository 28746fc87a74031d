"""What a server keeps of finished calls is bounded in bytes, blobs and all."""

from __future__ import annotations

import asyncio
import threading

import pytest
from remote_agents import Mirror

from nbagents import _loop
from nbagents.rpc import AgentServerServicer
from nbagents.rpc._codec import encode_arguments
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._results import Results
from nbagents.rpc._session import Session


@pytest.mark.filterwarnings("ignore:the content of a message")
def test_blobs_and_the_replies_of_clients_that_have_left_count():
    async def weighed(leave: bool) -> int:
        servicer = AgentServerServicer(threading.Event(), custom_agent_classes=[Mirror])
        await servicer._agents.create("m", {"class_name": "Mirror", "args": ["m"]})
        results: Results = servicer._results
        session = Session("s", servicer._agents, results, servicer.request)
        frame = pb.Call(call="c", method="_reply", agent=pb.Agent(key="m"))
        frame.arguments.CopyFrom(encode_arguments((b"x" * 1_000_000,), {}, None))
        session.handle(pb.Frame(call=frame))
        if leave:
            session.close()
        call = results.find("c")
        assert call is not None
        await asyncio.wait_for(call.future(), 10)
        servicer.close()
        return results._bytes

    for leave in (False, True):
        assert _loop.background().run(weighed(leave), timeout=10) >= 1_000_000
