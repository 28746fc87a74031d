"""What fails in a server fails where its message is read, as what it is, and harms no other."""

from __future__ import annotations

import pytest
from remote_agents import (
    Echo,
    Failing,
    Mirror,
    Misuser,
    Odd,
    Slow,
)

from nbagents.exceptions import (
    AgentNotFoundError,
    MessageTooLargeError,
    RemoteAgentError,
    UsageError,
)
from nbagents.hub import msghub
from nbagents.message import Msg

# ---------------------------------------------------------------------------- failures


@pytest.mark.parametrize("kind", ["ValueError", "KeyError", "TimeoutError", "OSError", "ZeroDivisionError"])
def test_what_an_agent_raised_arrives_as_what_it_is(remote, kind: str):
    with pytest.raises(RemoteAgentError) as caught:
        remote(Failing)(kind, "the reason").result(10)
    assert isinstance(
        caught.value, __builtins__[kind] if isinstance(__builtins__, dict) else getattr(__builtins__, kind)
    )
    assert caught.value.type_name == kind
    assert str(caught.value) == f"failing: {kind}: the reason"
    trace = caught.value.remote_traceback
    assert "remote_agents.py" in trace
    assert "raise BUILTIN.get(kind" in trace
    assert "_bodies.py" not in trace, "the traceback begins with the agent's own code"


def test_an_error_of_ours_keeps_its_class_and_tells_the_line(remote):
    with pytest.raises(UsageError, match="Cannot add") as caught:
        remote(Misuser)().result(10)
    assert 'self.memory.add("no message")' in caught.value.remote_traceback


def test_a_class_of_their_own_keeps_its_built_in_base(remote):
    with pytest.raises(ValueError, match="its text cannot be had") as caught:
        remote(Odd)("error").result(10)
    assert caught.value.type_name == "OddError"


def test_an_agent_that_exits_ends_its_call_and_not_the_server(remote, client):
    with pytest.raises(RemoteAgentError, match="SystemExit: 3"):
        remote(Odd)("exit").result(10)
    assert client.is_alive()


def test_text_that_utf8_cannot_hold_arrives_escaped_and_keys_masked(remote):
    with pytest.raises(ValueError, match=r"half \\ud800 a pair, and a key sk-…cdef"):
        remote(Odd)("surrogate").result(10)


def test_a_failure_goes_on_to_who_was_given_the_message(remote):
    failed = remote(Failing)("KeyError", "gone")
    passed_on = remote(Echo)([failed])
    with pytest.raises(KeyError) as caught:
        passed_on.result(10)
    assert str(caught.value) == "failing: KeyError: gone", "it names the agent that raised"
    with pytest.raises(KeyError):
        failed.result()
    with pytest.raises(KeyError):  # also when it is known already
        remote(Echo)(failed).result(10)


def test_an_observer_skips_a_message_that_failed(remote):
    echo = remote(Echo)
    with msghub([echo, failing := remote(Failing)]):
        failed = failing()
        echo("after")
    assert [m.content for m in echo.memory.get_memory()] == ["after", "echo heard after"]
    with pytest.raises(ValueError, match="that went wrong"):
        failed.result()


def test_what_cannot_travel_is_named_with_its_place(remote):
    mirror = remote(Mirror)
    with pytest.raises(
        UsageError, match=r"the call of mirror: argument 2\[0\]\['k'\] is a set, which cannot"
    ):
        mirror("fine", [{"k": {1}}]).result(10)
    with pytest.raises(UsageError, match=r"argument 'x'\.metadata\['when'\] is a object"):
        mirror(x=Msg("user", "hi", metadata={"when": object()})).result(10)
    with pytest.raises(UsageError, match="argument 1 is nan"):
        mirror(float("nan")).result(10)
    with pytest.raises(UsageError, match=r"the reply of odd: the value\.content\['deep'\]\[1\] is a set"):
        remote(Odd)("set").result(10)


@pytest.mark.long
def test_a_message_that_is_too_large_harms_no_other(remote):
    odd, slow = remote(Odd), remote(Slow)
    other = slow(0.5)
    with pytest.raises(MessageTooLargeError, match=r"140 MiB.*limit is 128 MiB"):
        odd("x" * (140 * 2**20)).result(20)
    with pytest.raises(MessageTooLargeError, match=r"the reply of odd: .*140 MiB"):
        odd("big").result(20)
    assert other.content == "slow slept"
    assert odd("fine").content == "fine"


def test_an_agent_that_was_deleted_is_named(remote):
    echo = remote(Echo, "poet")
    assert echo.delete()
    assert not echo.delete()
    with pytest.raises(AgentNotFoundError, match="poet does not live in the agent server"):
        echo("x").result(10)
