"""Hooks of agents that live in servers: they run here, around what is sent and what comes back."""

from __future__ import annotations

import asyncio

import pytest
from remote_agents import Echo, Failing, Slow

from nbagents import msghub
from nbagents.agents import AgentBase
from nbagents.exceptions import CallCancelledError, RemoteAgentError, UsageError
from nbagents.message import Msg
from nbagents.runs import Run


def louder(agent, given):
    return {"x": Msg("you", given["x"].content.upper())}


def signed(agent, given, value):
    return Msg(value.name, f"{value.content} ({agent.name}, asked {given['x'].content})")


def test_hooks_change_what_is_sent_and_what_comes_back(remote):
    echo = remote(Echo)
    echo.register_instance_hook("pre_reply", "louder", louder)
    echo.register_instance_hook("post_reply", "signed", signed)
    assert echo(Msg("you", "hello")).content == "echo heard HELLO (echo, asked HELLO)"
    echo.remove_instance_hook("pre_reply", "louder")
    assert echo(Msg("you", "hello")).content == "echo heard hello (echo, asked hello)"
    echo.clear_instance_hooks()
    assert echo(Msg("you", "hello")).content == "echo heard hello"


def test_a_run_has_one_call_of_such_an_agent(remote):
    echo = remote(Echo)
    echo.register_instance_hook("post_reply", "signed", signed)
    with Run("hooked") as run:
        echo(Msg("you", "one"))
        said = echo(Msg("you", "two"))
        assert said.content == "echo heard two (echo, asked two)"
    assert [message.content for message in run.messages] == [
        "echo heard one (echo, asked one)",
        "echo heard two (echo, asked two)",
    ]
    assert run.state == "done"


def test_what_a_hook_has_changed_is_what_others_get_wherever_they_live(remote, make_in, other):
    first, near, far = remote(Echo, "first"), remote(Echo, "near"), make_in(other, Echo, "far")
    first.register_instance_hook("post_reply", "short", lambda agent, given, value: Msg("first", "changed"))
    said = first(Msg("you", "hello"))
    assert [near(said).content, far(said).content] == ["near heard changed", "far heard changed"]
    with msghub([first, near]):
        first(Msg("you", "hello")).result(20)
    assert near.memory.get_memory()[-1].content == "changed"


def test_a_hook_waits_for_what_has_not_arrived_and_order_is_kept(remote):
    slow, echo = remote(Slow), remote(Echo)
    seen = []

    async def note(agent, given):
        seen.append(given["x"].content)

    echo.register_instance_hook("pre_reply", "note", note)
    late = echo(slow(0.3))
    soon = echo(Msg("you", "soon"))
    assert soon.result(20).content == "echo heard soon"
    assert late.content == "echo heard slow slept"
    assert seen == ["slow slept", "soon"]


def test_observing_has_hooks_too(remote):
    echo = remote(Echo)
    echo.register_instance_hook(
        "pre_observe", "louder", lambda agent, given: {"x": Msg("you", given["x"].content.upper())}
    )
    echo.observe(Msg("you", "psst"))
    assert [message.content for message in echo.memory.get_memory()] == ["PSST"]


def test_what_fails_there_or_in_a_hook_fails_the_call(remote):
    failing, echo = remote(Failing), remote(Echo)
    for agent in (failing, echo):
        agent.register_instance_hook("post_reply", "wrong", lambda agent, given, value: 1 / 0)
    with pytest.raises(RemoteAgentError):
        failing(Msg("you", "x")).result(20)
    with pytest.raises(ZeroDivisionError):
        echo(Msg("you", "x")).result(20)
    assert echo.memory is not None


def test_a_call_is_cancelled_in_its_hook_and_over_there(remote):
    slow = remote(Slow)
    slow.register_instance_hook("post_reply", "same", lambda agent, given, value: value)
    call = slow(20)
    call.cancel()
    with pytest.raises(CallCancelledError):
        call.result(10)

    async def never(agent, given):
        await asyncio.Event().wait()

    echo = remote(Echo)
    echo.register_instance_hook("pre_reply", "never", never)
    call = echo(Msg("you", "x"))
    call.cancel()
    with pytest.raises(CallCancelledError):
        call.result(10)
    echo.clear_instance_hooks()
    assert echo(Msg("you", "on")).result(10).content == "echo heard on"


class Plain(AgentBase):
    async def reply(self, x=None):
        return Msg(self.name, f"plain heard {x.content}")


def test_to_dist_keeps_the_hooks_of_replies():
    plain = Plain("plain")
    plain.register_instance_hook("pre_reply", "louder", louder)
    far = plain.to_dist()
    try:
        assert far(Msg("you", "hello")).content == "plain heard HELLO"
    finally:
        far.stop()


def test_hooks_of_printing_stay_at_home(remote):
    with pytest.raises(UsageError, match="hooks of the type pre_print do not go there"):
        remote(Echo).register_instance_hook("pre_print", "x", print)
