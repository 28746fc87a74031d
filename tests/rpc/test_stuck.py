"""What holds up a server or an agent in it is named: a body that blocks the loop, one that was stopped."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from chain_agents import Asking, LoopBlocker, Noted, Stubborn
from remote_agents import Echo

from nbagents import context, events
from nbagents.exceptions import CallCancelledError, CallTimeoutError


@pytest.fixture
def stuck(remote, client, tmp_path: Path, wait_for):
    """An agent in foreign code whose call has been stopped, and how to let it go."""
    agent = remote(Stubborn, "stubborn", str(tmp_path))
    message = agent()
    wait_for((tmp_path / "stubborn.began").exists)
    message.cancel()
    with pytest.raises(CallCancelledError):
        message.result(timeout=5)
    wait_for(lambda: about(client, agent)["state"] == "stuck")
    yield agent, (tmp_path / "release").touch
    (tmp_path / "release").touch()


def about(client, agent) -> dict:
    [found] = [one for one in client.get_agent_list() if one["agent_id"] == agent.agent_id]
    return found


def test_an_agent_says_what_it_does(remote, client, tmp_path: Path, wait_for):
    agent = remote(Stubborn, "plain", str(tmp_path))
    assert about(client, agent)["state"] == "idle"
    message = agent()
    wait_for((tmp_path / "plain.began").exists)
    assert about(client, agent)["state"] == "busy"
    (tmp_path / "release").touch()
    assert message.content == "never heard"  # but here it is, since nobody stopped it
    wait_for(lambda: about(client, agent)["state"] == "idle")


def test_a_stopped_body_is_told_at_its_next_call_and_its_agent_serves_on(stuck, client, remote, wait_for):
    agent, release = stuck
    waiting = [agent("hello") for _ in range(3)]
    release()
    assert [m.result(timeout=10).content for m in waiting] == ["hello"] * 3
    assert remote(Noted)().content["stubborn raised"] == "CallCancelledError"
    wait_for(lambda: about(client, agent)["state"] == "idle")


def test_a_call_behind_a_stuck_one_says_what_it_waited_for(stuck):
    agent, _ = stuck
    token = context.deadline.set(time.monotonic() + 0.3)
    try:
        message = agent("hello")
    finally:
        context.deadline.reset(token)
    with pytest.raises(CallTimeoutError) as caught:
        message.result(timeout=10)
    text = str(caught.value)
    assert "stubborn is stuck in a call that was stopped" in text
    assert "s ago and stands at chain_agents.py, line " in text
    assert "time.sleep(0.01)  # the stubborn line" in text


def test_calls_behind_a_stuck_one_may_be_cancelled_and_the_order_stays(stuck):
    agent, release = stuck
    first, second, third = (agent("hello") for _ in range(3))
    second.cancel()
    with pytest.raises(CallCancelledError):
        second.result(timeout=5)
    assert not first.done()
    assert not third.done()
    release()
    assert [first.result(timeout=10).content, third.result(timeout=10).content] == ["hello"] * 2


def test_a_reply_that_asks_its_model_is_told_at_once(remote, wait_for):
    config = {
        "config_name": "slow",
        "model_type": "openai_chat",
        "model_name": "demo-slow",
        "endpoint": "demo",
    }
    agent, noted = remote(Asking, "asking", None, config), remote(Noted)
    message = agent()
    wait_for(lambda: "asking began" in noted().content)
    message.cancel()
    stopped = time.monotonic()
    wait_for(lambda: "asking ended" in noted().content)
    found = noted().content
    assert found["asking raised"] == "CallCancelledError"
    assert found["asking ended"] - stopped < 1


def test_an_agent_that_holds_the_servers_loop_is_named(remote, client, server, wait_for):
    agent, echo = remote(LoopBlocker, "greedy"), remote(Echo)
    assert about(client, agent)["blocked"] == 0
    heard: list[events.Event] = []
    unsubscribe = events.subscribe(heard.append)
    try:
        blocked = agent()
        assert echo("x").result(timeout=20).content  # it waits, and is served then
        assert blocked.content == "at last"
        wait_for(lambda: [e for e in heard if e.kind == "blocked"])
    finally:
        unsubscribe()
    [event] = [e for e in heard if e.kind == "blocked"]
    assert event.agent == "greedy"
    assert event.data["type"] == "LoopBlocker"
    assert "time.sleep(2.8)" in event.data["where"]
    assert 2.5 < about(client, agent)["blocked"] < 10
    log = server.connection.log.read_text("utf-8")
    assert log.count("the agent greedy (LoopBlocker) has held the loop for") == 1
