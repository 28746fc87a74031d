"""What typed messages cost in steps, counted: gRPC messages and timers; deadlines and forks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest
from topic_agents import Answerer, Ask
from topics_here import program, worker

from nbagents._loop import background
from nbagents.exceptions import CallTimeoutError
from nbagents.rpc._frames import ACK_SECONDS
from nbagents.rpc._roster import Roster
from nbagents.topics import AgentId

pytestmark = pytest.mark.timeout(120)
ALONE = 50


def test_a_message_that_is_alone_is_one_grpc_message_and_sets_no_timer(server):
    async def main():
        async with worker(server) as runtime:
            await runtime.send_message(Ask("hello"), AgentId("answers", "a"))
            writer = runtime._link.line()._stream._writer
            written, write = [], writer._write

            def counted(data):
                written.append(data)
                return write(data)

            writer._write = counted
            timers, begin = await runtime._there(_timers()), time.monotonic()
            for _ in range(ALONE):
                await runtime.send_message(Ask("hello"), AgentId("answers", "a"))
            more = await runtime._there(_timers()) - timers
            return len(written), more, time.monotonic() - begin

    with program(server.address, "answers=Answerer"):
        written, more, seconds = asyncio.run(main())
    assert ALONE <= written <= ALONE + 2 + seconds / ACK_SECONDS  # what is heard is acknowledged on the way
    assert more <= 5


async def _timers() -> int:
    return len(background().loop._scheduled)


def test_each_message_has_its_own_deadline_though_one_timer_counts_for_all(server):
    async def main():
        async with worker(server, late=Answerer) as runtime:
            loop, ended = asyncio.get_running_loop(), []

            async def late(seconds):
                begin = loop.time()
                with pytest.raises(CallTimeoutError, match=f"within {seconds:g} s"):
                    await runtime.send_message(
                        Ask("hello", seconds=60), AgentId("late", f"a{seconds}"), timeout=seconds
                    )
                ended.append(seconds)
                assert loop.time() - begin >= seconds

            waits = [late(each) for each in (1.6, 0.4, 60, 1.0)]
            tasks = [asyncio.ensure_future(each) for each in waits]
            assert (await runtime.send_message(Ask("hello"), AgentId("late", "b"), timeout=30)).text
            await asyncio.wait([tasks[0], tasks[1], tasks[3]])
            tasks[2].cancel()
            await asyncio.wait(tasks)
            for task in (tasks[0], tasks[1], tasks[3]):
                task.result()
            return ended

    assert asyncio.run(main()) == [0.4, 1.0, 1.6]


FORKED = """
import asyncio, os, sys
from nbagents.exceptions import UsageError
from nbagents.rpc import GrpcWorkerAgentRuntime
from nbagents.topics import AgentId

async def send():
    try:
        await runtime.send_message("hello", AgentId("answers", "a"), timeout=20)
    except UsageError as error:
        return str(error)

runtime = GrpcWorkerAgentRuntime(sys.argv[1])
asyncio.run(runtime.start())
if os.fork() == 0:
    print(asyncio.run(send()), flush=True)
    os._exit(0)
os.wait()
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_does_not_write_into_the_stream_of_its_parent(server):
    async def main():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FORKED, server.address, stdout=asyncio.subprocess.PIPE
        )
        return (await process.communicate())[0].decode()

    assert "cannot be called in a fork" in asyncio.run(main())


def test_grpc_knows_the_settings_that_it_is_given_and_logs_nothing():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}
    done = subprocess.run(
        [sys.executable, "-c", "import nbagents.rpc, grpc, os; print(os.environ['GRPC_EXPERIMENTS'])"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "event_engine" in done.stdout
    assert done.stderr == ""


def test_a_roster_finds_agents_by_the_names_under_which_they_were_made():
    class Made:
        def __init__(self, name):
            self.name = name

    roster, poet, other = Roster(), Made("poet"), Made("poet")
    roster["a"], roster["b"], roster["c"] = poet, other, Made("critic")
    assert roster.named("poet") == [poet, other]
    roster["a"] = Made("bard")
    assert roster.pop("b") is other
    assert roster.pop("b", "none") == "none"
    assert roster.named("poet") == []
    assert [one.name for one in roster.named("bard")] == ["bard"]
    assert len(roster) == 2
