"""Calls that are marked as safe to repeat are made again when their server dies, and take effect once."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from mortal_agents import Tally
from remote_agents import Slow

import nbagents
from nbagents import call_options, idempotency_key
from nbagents.agents import AgentBase, Call, scheduler
from nbagents.exceptions import CallTimeoutError, NbAgentsError, ServerLostError, UsageError
from nbagents.message import Msg, PlaceholderMessage
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher, connections

pytestmark = [pytest.mark.posix, pytest.mark.usefixtures("runtime")]
CALLS = 1_000 if os.environ.get("NBAGENTS_LONG") == "1" else 200


def outcome(fn, *args):
    try:
        return fn(*args)
    except NbAgentsError as error:
        return error


def kill() -> int:
    (server,) = connections()
    os.kill(server.pid, signal.SIGKILL)
    return server.pid


def runs(folder: Path) -> list[list[str]]:
    try:
        return [line.split() for line in (folder / "runs").read_text().splitlines()]
    except FileNotFoundError:
        return []


def test_marked_calls_survive_their_server(tmp_path: Path, wait_for):
    tally = Tally("t", str(tmp_path), 0.002).to_dist()
    with call_options(retry=True):
        calls = [tally(Msg("user", f"{number}")) for number in range(CALLS)]
    wait_for(lambda: len(runs(tmp_path)) > 10)
    kill()
    replies = [outcome(call.result, 60) for call in calls]
    right = sum(getattr(reply, "content", "") == f"{n} done" for n, reply in enumerate(replies))
    assert right / CALLS >= 0.999
    done = [path.read_text().strip() for path in tmp_path.glob("*.done")]
    assert sorted(done, key=int) == [f"{number}" for number in range(CALLS)], "each once, none twice"
    assert not (tmp_path / "no key.done").exists()
    again = runs(tmp_path)
    assert all(len(line) == 2 for line in again), again
    assert len({key for _, key in again}) == CALLS
    assert max(Counter(key for _, key in again).values()) <= 3
    order = [int(what) for what, _ in again]
    backward = sum(later <= earlier for earlier, later in itertools.pairwise(order))
    assert backward <= 1, "each time in their original order"
    tally.stop()


def test_calls_that_are_not_marked_fail(tmp_path: Path, wait_for):
    slow = Slow("s").to_dist()
    with call_options(retry=True):
        marked = slow(0.5)
    unmarked = slow(0.5)
    assert slow._client().get_server_info()["pending"] == 2
    kill()
    error = outcome(unmarked.result, 20)
    assert isinstance(error, ServerLostError)
    assert not error.retryable
    assert marked.result(20).content == "s slept"
    slow.stop()


def test_a_call_is_made_three_times_at_most(tmp_path: Path, wait_for):
    tally = Tally("t", str(tmp_path), 60).to_dist()
    (first,) = connections()
    with call_options(retry=True):
        call = tally(Msg("user", "x"))
    pids = {first.pid}
    assert tally._client().get_server_info()["pending"] == 1
    kill()
    for _ in range(2):
        wait_for(lambda: {c.pid for c in connections()} - pids)
        wait_for(lambda: tally._client().get_server_info()["pending"] == 1)
        pids.add(kill())
    error = outcome(call.result, 20)
    assert isinstance(error, ServerLostError)
    assert error.retryable
    assert "after 3 attempts" in str(error)
    tally.stop()


def test_a_marked_call_ends_at_its_deadline(wait_for):
    slow = Slow("s").to_dist()
    with call_options(timeout=1.5, retry=True):
        call = slow(60)
    assert slow._client().get_server_info()["pending"] == 1
    kill()
    begin = time.monotonic()
    with pytest.raises(CallTimeoutError):
        call.result(20)
    assert time.monotonic() - begin < 5
    slow.stop()


def test_a_client_that_does_not_own_the_server_repeats_too(tmp_path: Path, wait_for):
    with RpcAgentServerLauncher(custom_agent_classes=[Tally]) as launcher:
        settings = {"class_name": "Tally", "args": ["t", str(tmp_path), 0.3]}

        def make(client: RpcAgentClient, before: str) -> None:
            if not client.get_agent_list():
                client.create_agent(settings, "t")

        launcher.on_ready = make
        client = RpcAgentClient(launcher.address, token=launcher.token)
        client.create_agent(settings, "t")
        tally = RpcAgent("t", "t", connect=lambda: client.attachment)
        with call_options(retry=True):
            call = tally(Msg("user", "x"))
        assert client.get_server_info()["pending"] == 1
        kill()
        assert call.result(20).content == "x done"


def test_a_key_that_still_runs_there_is_not_started_twice(tmp_path: Path):
    """As after a freeze: the client gave the call up and made it again, and the server had gone on."""
    with RpcAgentServerLauncher(custom_agent_classes=[Tally]) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        client.create_agent({"class_name": "Tally", "args": ["t", str(tmp_path), 0.5]}, "t")
        tally = RpcAgent("t", "t", connect=lambda: client.attachment)

        def attempt() -> PlaceholderMessage:
            call = Call(
                scheduler(),
                tally,
                None,
                (Msg("user", "x"),),
                {},
                kind="call",
                parent=None,
                path=scheduler().next_path(),
                client="me",
                method="_reply",
            )
            call.key = "the same"
            scheduler().post(scheduler().submit_one, call)
            return PlaceholderMessage.of(call)

        first, second = attempt(), attempt()
        assert first.result(20).content == second.result(20).content == "x done"
        third = attempt()
        assert third.result(20).content == "x done", "nor is one that has ended"
        assert len(runs(tmp_path)) == 1


# ---------------------------------------------------------------------------- the options


class Teller(AgentBase):
    async def reply(self, x=None):
        return idempotency_key()


def test_what_the_options_mean():
    teller = Teller("t")
    assert teller().content == "" == idempotency_key()
    with call_options(retry=True):
        keys = {teller().content for _ in range(3)}
    assert len(keys) == 3
    assert "" not in keys
    assert teller().content == ""
    assert nbagents.call_options is call_options
    for odd in (0, -1, float("nan")):
        with pytest.raises(UsageError, match="leaves no time"), call_options(timeout=odd):
            pass


class Sleeper(AgentBase):
    async def reply(self, x=None):
        await asyncio.sleep(5)


def test_the_nearest_deadline_holds():
    sleeper = Sleeper("s")
    with call_options(timeout=0.2), call_options(timeout=60):
        call = sleeper()
    with pytest.raises(CallTimeoutError):
        call.result(3)
