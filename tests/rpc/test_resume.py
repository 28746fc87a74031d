"""A connection that breaks while the server lives is made again: nothing is lost, nothing happens twice."""

from __future__ import annotations

import time
import uuid

import pytest
from chaos import chaos, cutting
from remote_agents import Counter, Mirror, Slow

from nbagents import _loop
from nbagents.exceptions import AgentServerNotAliveError
from nbagents.message import Msg
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher


@pytest.fixture(scope="module")
def behind():
    """A server on TCP, and a proxy before it."""
    with (
        RpcAgentServerLauncher(port=0, custom_agent_classes=[Counter, Mirror, Slow]) as launcher,
        chaos(launcher.port) as proxy,
    ):
        yield launcher, proxy


@pytest.fixture
def through(behind):
    """Make an agent in the server, which is reached through the proxy only."""
    launcher, proxy = behind
    client = RpcAgentClient("127.0.0.1", proxy.port, token=launcher.token)

    def make(cls, *args):
        agent_id = uuid.uuid4().hex
        settings = {"class_name": cls.__name__, "args": [cls.__name__.lower(), *args]}
        client.create_agent(settings, agent_id)
        return RpcAgent(cls.__name__.lower(), agent_id, connect=lambda: client.attachment)

    return make


def test_every_call_is_made_once_and_in_its_order(behind, through):
    counter, proxy = through(Counter), behind[1]
    before = proxy.cuts
    with cutting(proxy, 0.05):
        replies = []
        limit = time.monotonic() + 20
        while proxy.cuts < before + 8 and time.monotonic() < limit:
            replies += [counter(Msg("user", "x")) for _ in range(20)]
            assert replies[-1].result(20).content == f"{len(replies)}"
    assert [reply.content for reply in replies] == [f"{n}" for n in range(1, len(replies) + 1)]
    assert proxy.cuts >= before + 8


def test_large_values_arrive_whole(behind, through):
    mirror, proxy = through(Mirror), behind[1]
    texts = [f"{n}" * 3_000_000 for n in range(6)]
    with cutting(proxy, 0.3):
        replies = [mirror(text) for text in texts]
        found = [reply.result(40).content[0][0] for reply in replies]
    assert found == texts


def test_what_waits_while_there_is_no_connection_is_sent_later(behind, through):
    slow, proxy = through(Slow), behind[1]
    waiting = slow(0.3)
    assert not waiting.done()
    proxy.cut()
    assert waiting.result(20).content == "slow slept"


def test_another_server_in_its_place_ends_the_session(behind, through):
    launcher, proxy = behind
    slow = through(Slow)
    with RpcAgentServerLauncher(port=0, token_file=None) as other:
        waiting = slow(20)
        assert _loop.background().run(slow._link.here().open(), timeout=10) is None
        proxy.target = other.port
        try:
            proxy.cut()
            with pytest.raises((AgentServerNotAliveError, PermissionError)):
                waiting.result(20)
        finally:
            proxy.target = launcher.port


@pytest.mark.long
def test_fifty_megabytes_pass_both_ways(remote):
    mirror = remote(Mirror)
    text = "x" * (50 * 2**20)
    assert mirror(text).result(40).content[0][0] == text
