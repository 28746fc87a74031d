"""A session whose other side acknowledges nothing holds a limited number of bytes, and ends."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from remote_agents import Echo, Mirror
from wire import Wire, batch, hello

from nbagents import _loop
from nbagents.exceptions import ProtocolError
from nbagents.message import Msg
from nbagents.rpc import AgentServerServicer, RpcAgent, RpcAgentClient, RpcAgentServerLauncher, _frames
from nbagents.rpc._frames import FrameWriter, parsed
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._results import Results
from nbagents.rpc._session import Session

KIB = 1024


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small limits, for servers and clients in this process."""
    monkeypatch.setattr(_frames, "MAX_UNACKNOWLEDGED", 256 * KIB)
    monkeypatch.setattr(_frames, "STALL_SECONDS", 1.0)


class Side:
    """A writer, and what the other side has got of it."""

    def __init__(self) -> None:
        self.writer = FrameWriter(lambda: 2)
        self.got: list[int] = []
        self.written = 0
        self.acknowledging = True
        self.other: Side = self

    async def write(self, data: bytes) -> None:
        self.written += len(data)
        await asyncio.sleep(0)
        for frame in parsed(data).frames:
            if not self.acknowledging:
                frame.ack = 0
            if self.other.writer.hear(frame) and frame.seq:
                self.other.got.append(len(frame.response.body))


def pair() -> tuple[Side, Side]:
    one, two = Side(), Side()
    one.other, two.other = two, one
    for side in (one, two):
        side.writer.connect(side.write)
    return one, two


def frame(size: int) -> pb.Frame:
    return pb.Frame(response=pb.Response(body=b"x" * size))


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


# ---------------------------------------------------------------------------- the writer


@pytest.mark.usefixtures("small")
def test_both_sides_send_much_more_than_the_limit_at_once():
    async def main() -> None:
        one, two = pair()
        sizes = [10 * KIB + number for number in range(200)]
        for size in sizes:
            one.writer.put(frame(size))
            two.writer.put_later(lambda size=size: frame(size))
        await until(lambda: len(one.got) == len(two.got) == len(sizes))
        assert one.got == two.got == sizes
        assert not one.writer.stalled.is_set()
        assert one.writer.backlog == two.writer.backlog == 0

    asyncio.run(main())


@pytest.mark.usefixtures("small")
def test_what_is_not_acknowledged_holds_the_rest_back():
    async def main() -> None:
        one, two = pair()
        two.acknowledging = False
        made = []

        def make() -> pb.Frame:
            made.append(1)
            return frame(10 * KIB)

        for _ in range(200):
            one.writer.put_later(make)
        await until(one.writer.stalled.is_set)
        assert 240 * KIB < one.written < 260 * KIB
        assert len(made) == 26, "what waits is not made yet"
        with pytest.raises(ProtocolError, match="not acknowledged within"):
            one.writer.check()

    asyncio.run(main())


@pytest.mark.usefixtures("small")
def test_one_large_frame_goes_alone():
    async def main() -> None:
        one, two = pair()
        for size in (10, 900 * KIB, 20, 900 * KIB):
            one.writer.put(frame(size))
        await until(lambda: len(two.got) == 4)

    asyncio.run(main())


# ---------------------------------------------------------------------------- servers and clients


@pytest.fixture
def here(small: None, runtime: Any) -> Iterator[RpcAgentServerLauncher]:
    """A server in this process."""
    launcher = RpcAgentServerLauncher(custom_agent_classes=[Echo, Mirror])
    launcher.launch(in_subprocess=False)
    yield launcher
    launcher.shutdown()


def proxy(launcher: RpcAgentServerLauncher, cls: type, name: str) -> RpcAgent:
    client = RpcAgentClient(launcher.address, token=launcher.token)
    client.create_agent({"class_name": cls.__name__, "args": [name]}, name)
    return RpcAgent(name, name, connect=lambda: client.attachment)


def calls(count: int, size: int) -> list[bytes]:
    arguments = json.dumps([["x" * size], {}]).encode()
    sent = []
    for number in range(1, count + 1):
        call = pb.Call(call=f"c{number}", method="_reply", agent=pb.Agent(key="mirror"))
        call.arguments.data = arguments
        sent.append(batch(pb.Frame(seq=number, call=call)))
    return sent


def test_a_client_that_never_acknowledges_is_told_so_and_holds_little(here: RpcAgentServerLauncher):
    mirror, echo = proxy(here, Mirror, "mirror"), proxy(here, Echo, "echo")
    assert mirror("x").result(20)
    wire = Wire(here.address, here.token)
    heard: list[float] = []
    over = threading.Event()

    def others() -> None:
        while not over.is_set():
            began = time.monotonic()
            assert echo(Msg("user", "x")).result(20)
            heard.append(time.monotonic() - began)

    thread = threading.Thread(target=others)
    thread.start()
    answer = wire.attach(hello(), *calls(100, 40 * KIB), want=10_000)
    over.set()
    thread.join(20)
    assert answer.status is grpc.StatusCode.INVALID_ARGUMENT
    assert "not acknowledged within" in answer.text
    came = sum(len(frame.update.done.data) for frame in answer.frames)
    assert 100 * KIB < came <= 256 * KIB
    assert max(heard) < 10
    wire.close()


def test_a_client_that_acknowledges_gets_everything(here: RpcAgentServerLauncher):
    mirror = proxy(here, Mirror, "mirror")
    texts = [f"{number}" * 30 * KIB for number in range(60)]
    replies = [mirror(text) for text in texts]
    assert [reply.result(30).content[0][0] for reply in replies] == texts
    client = RpcAgentClient(here.address, token=here.token)
    echo = proxy(here, Echo, "echo")
    assert echo(Msg("user", "y" * 900 * KIB)).result(20)
    many = [
        _loop.background().spawn(client.attachment.request("get_agent_memory", value="echo"))
        for _ in range(20)
    ]
    assert all(len(one.result(30).message) > 900 * KIB for one in many)


def test_a_session_that_is_over_is_kept_by_no_call():
    async def main() -> tuple[Any, Results]:
        servicer = AgentServerServicer(threading.Event(), custom_agent_classes=[Mirror])
        await servicer._agents.create("m", {"class_name": "Mirror", "args": ["m"]})
        session = Session("s", servicer._agents, servicer._results, servicer.request)
        for name in ("ended", "runs"):
            call = pb.Call(call=name, method="_reply", agent=pb.Agent(key="m"))
            call.arguments.data = b"[[],{}]"
            if name == "runs":
                call.arguments.data = json.dumps([[{"__promise__": "never", "sent": True}], {}]).encode()
            session.handle(pb.Frame(call=call))
        call = servicer._results.find("ended")
        assert call is not None
        await asyncio.wait_for(call.future(), 10)
        for listening in servicer._results.unfinished():
            assert listening.origin is not None
        session.close()
        return weakref.ref(session), servicer._results

    session, results = _loop.background().run(main(), timeout=20)
    gc.collect()
    assert results.find("ended") is not None, "the call is kept"
    assert session() is None
