"""Messages passed on by reference: what is gone is said at once and by name, what nobody needs is let go."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from remote_agents import Echo, Mirror, Slow
from wire import Wire, batch, hello

from nbagents.exceptions import CallCancelledError
from nbagents.message import Msg
from nbagents.rpc import AgentServerServicer, RpcAgent, RpcAgentClient, RpcAgentServerLauncher
from nbagents.rpc._proto import agent_pb2 as pb

pytestmark = pytest.mark.usefixtures("runtime")


@contextlib.contextmanager
def opened(**options: Any) -> Iterator[RpcAgentServerLauncher]:
    """A server in this process."""
    launcher = RpcAgentServerLauncher(custom_agent_classes=[Echo, Mirror, Slow], **options)
    launcher.launch(in_subprocess=False)
    try:
        yield launcher
    finally:
        launcher.shutdown()


def servicer(launcher: RpcAgentServerLauncher) -> AgentServerServicer:
    assert launcher._local is not None
    assert launcher._local.servicer is not None
    return launcher._local.servicer


def proxy(launcher: RpcAgentServerLauncher, cls: type) -> RpcAgent:
    client, name = RpcAgentClient(launcher.address, token=launcher.token), cls.__name__.lower()
    client.create_agent({"class_name": cls.__name__, "args": [name]}, name)
    return RpcAgent(name, name, connect=lambda: client.attachment)


def asked(launcher: RpcAgentServerLauncher, **reference: str) -> tuple[pb.Error, float]:
    """Pass on a message by reference; return how that failed, and after how many seconds."""
    wire, begun = Wire(launcher.address, launcher.token), time.monotonic()
    call = pb.Call(call=uuid.uuid4().hex, method="_reply", agent=pb.Agent(key="echo"))
    call.arguments.data = json.dumps([[reference], {}]).encode()
    answer = wire.attach(hello(), batch(pb.Frame(seq=1, call=call)), want=1)
    wire.close()
    return answer.frames[0].update.error, time.monotonic() - begun


def test_what_an_earlier_start_has_promised_is_gone_at_once():
    with opened() as one, opened() as two:
        proxy(one, Echo)
        epoch = "of its first start"
        error, seconds = asked(one, __promise__="x-1", server=two.server_id, epoch=epoch, agent="po\x1bet")
        assert error.type == "ResultExpiredError"
        assert "by po" in error.message
        assert "\x1b" not in error.message
        assert f"the agent server {two.server_id} was started again since it promised it" in error.message
        assert seconds < 4, "else it is asked for until it might have come"
        error, _ = asked(one, __promise__="x-1", server=two.server_id, epoch=servicer(two).epoch)
        assert error.type == "ResultExpiredError"
        assert "is gone or never was" in error.message


def test_a_dropped_reply_is_named_with_its_age_and_the_limit():
    with opened() as one, opened(max_pool_size=2) as two:
        proxy(one, Echo)
        echo = proxy(two, Echo)
        first = echo(Msg("user", "0"))
        for number in range(1, 5):
            echo(Msg("user", f"{number}")).result(20)
        call_id = first._promise.id
        for where, reference in ((two, {}), (one, {"server": two.server_id, "epoch": servicer(two).epoch})):
            error, seconds = asked(where, __promise__=call_id, **reference)
            assert error.type == "ResultExpiredError"
            for part in ("by echo", "at the age of", "keeps the last 2 replies", "for at most 7200 s"):
                assert part in error.message
            assert seconds < 4


def test_old_replies_go_though_nobody_asks_for_any(wait_for):
    with opened(max_timeout_seconds=0.3) as launcher:
        echo = proxy(launcher, Echo)
        results = servicer(launcher)._results
        assert echo(Msg("user", "x")).result(20)
        assert echo(Msg("user", "y")).result(20)
        assert wait_for(lambda: not results._kept) < 5
        assert results._bytes == 0


def test_a_message_is_not_waited_for_when_its_reader_is_gone(wait_for):
    with opened() as one, opened() as two:
        mirror, slow = proxy(one, Mirror), proxy(two, Slow)

        def wanted() -> list[str]:
            return [name for s in servicer(two)._sessions.all() for name in s._fetches._wanted]

        message = slow(30)
        readers = [mirror(message), mirror([message])]
        wait_for(lambda: wanted() == [message._promise.id])
        readers[0].cancel()
        with pytest.raises(CallCancelledError):
            readers[0].result(10)
        assert wanted(), "the other one still waits"
        readers[1].cancel()
        wait_for(lambda: not wanted())
        assert mirror("x").result(10), "the next in the queue goes on"
        message.cancel()
        with pytest.raises(CallCancelledError):
            message.result(10)
        assert proxy(one, Echo)(slow(0.01)).result(20).content == "echo heard slow slept"
