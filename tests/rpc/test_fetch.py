"""A message that one server makes and another needs goes from the one to the other, not through here."""

from __future__ import annotations

import os
import signal

import pytest
from remote_agents import Mirror, Slow

from nbagents.exceptions import AgentServerError, NbAgentsError
from nbagents.rpc import RpcAgentClient


def promised_by(proxy) -> set[str]:
    """Return what this process has promised to send to an agent's server."""
    return set(proxy._link.here()._references._promised)


def test_it_is_fetched_by_the_server_that_needs_it(server, other, make_in):
    slow, mirror = make_in(server, Slow, "slow"), make_in(other, Mirror, "mirror")
    assert slow(0).content  # both are connected: each knows who the other is
    assert mirror("hello").content
    coming = slow(0.5)
    passed = mirror(coming)
    listed = mirror([coming, {"deep": [coming]}])
    assert not coming.done()
    assert passed.result(20).content[0][0].content == "slow slept"
    found = listed.result(20).content[0][0]
    assert [found[0].content, found[1]["deep"][0].content] == ["slow slept"] * 2
    assert promised_by(mirror) == set()


def test_a_call_whose_message_comes_after_it_waits_for_it(server, other, make_in):
    """The call may reach its server before the one that it waits for has reached the other."""
    slow, mirror = make_in(server, Slow, "slow"), make_in(other, Mirror, "mirror")
    assert slow(0).content
    assert mirror("hello").content
    for _ in range(20):
        assert mirror(slow(0)).result(20).content[0][0].content == "slow slept"


def test_a_maker_that_dies_ends_the_call_that_waits(make_in, other):
    from nbagents.rpc import RpcAgentServerLauncher

    with RpcAgentServerLauncher() as maker:
        slow, mirror = make_in(maker, Slow, "slow"), make_in(other, Mirror, "mirror")
        assert slow(0).content
        assert mirror("hello").content
        coming = slow(30)
        passed = mirror(coming)
        pid = RpcAgentClient(maker.address, token=maker.token).get_server_info()["pid"]
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(AgentServerError):
            passed.result(20)
        with pytest.raises(NbAgentsError):
            coming.result(20)
        assert mirror("on").result(20).content[0][0] == "on"
