"""Bad input of the same kinds as frames of a stream: what ends the stream, and what ends one call alone."""

from __future__ import annotations

import re
import time

import grpc
import pytest
from wire import PICKLED, Wire, batch, entry, hello, number

from nbagents.rpc._proto import agent_pb2 as pb

pytestmark = pytest.mark.usefixtures("unharmed")
ARGUMENTS = pb.Payload(content_type="application/json", data=b"[[], {}]")


def call_of(**fields) -> pb.Frame:
    about = {"call": "c-1", "agent": pb.Agent(key="echo"), "method": "_reply", "arguments": ARGUMENTS}
    return pb.Frame(seq=1, call=pb.Call(**(about | fields)))


def payload(data: bytes, content_type: str = "application/json", **more) -> pb.Payload:
    return pb.Payload(content_type=content_type, data=data, **more)


ENDS_THE_STREAM = {
    "1 nothing": [b""],
    "1 no greeting": [batch(pb.Frame(seq=1, cancel=pb.Cancel(call="x")))],
    "2 random bytes": [hello(), b"\xff\xff\xff"],
    "3 truncated": [hello(), batch(call_of())[:-3]],
    "4 trailing garbage": [hello(), batch(call_of()) + b"\x07"],
    "5 a frame of a server": [hello(), batch(pb.Frame(seq=1, response=pb.Response(id=1)))],
    "6 a frame of an unknown kind": [hello(), entry(1, number(1, 1) + entry(15, b"x"))],
    "8 another protocol": [hello(protocol=99)],
    "9 a call without an id": [hello(), batch(call_of(call=""))],
    "10 an id twice": [hello(), batch(call_of(call="a"), pb.Frame(seq=2, call=call_of(call="a").call))],
    "10 two greetings": [hello(), hello()],
    "11 an endless id": [hello(), batch(call_of(call="c" * 10_000))],
    "13 very many references": [hello(), batch(call_of(chain=["x"] * 1_100_000))],
    "14 invalid UTF-8": [hello(), entry(1, number(1, 1) + entry(6, entry(4, b"\xff")))],
    "17 a frame is missing": [hello(), batch(pb.Frame(seq=2**63, ack=2**63))],
    "20 a pickle": [hello(), PICKLED],
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS_THE_STREAM)
def test_frames_that_end_the_stream(wire: Wire, name: str):
    answer = wire.attach(*ENDS_THE_STREAM[name], want=5)
    assert answer.status is grpc.StatusCode.INVALID_ARGUMENT, answer
    assert 0 < len(answer.text) <= 512
    assert not re.search(r"[\x00-\x1f\x7f]", answer.text)


REFUSED_CALLS = {
    "5 no list": call_of(arguments=payload(b"3")),
    "5 another content": call_of(arguments=payload(b"\x80\x04.", "application/x-pickle")),
    "8 a method": call_of(method="__init__"),
    "9 no arguments": call_of(arguments=pb.Payload()),
    "12 deep": call_of(arguments=payload(b"[[" + b"[" * 200 + b"]" * 200 + b"],{}]")),
    "13 many": call_of(arguments=payload(b"[[" + b"[]," * 250_000 + b"[]],{}]")),
    "16 NaN": call_of(arguments=payload(b"[[NaN], {}]")),
    "18 an agent": call_of(agent=pb.Agent(key="../../x\r\n")),
    "20 a pickle": call_of(arguments=payload(PICKLED)),
    "21 a gadget": call_of(arguments=payload(b'[[{"__module__": "os", "__name__": "system"}], {}]')),
    "21 a blob that is not there": call_of(arguments=payload(b'[[{"__blob__": 5}], {}]', blobs=[b"x"])),
    "21 somebody's promise": call_of(arguments=payload(b'[[{"__promise__": "nobody"}], {}]')),
    "23 another server": call_of(arguments=payload(b'[[{"__promise__": "x", "server": "ffffffff"}], {}]')),
}


def test_what_is_wrong_for_many_is_told_to_each(wire: Wire):
    frame = call_of(call="many", arguments=payload(b"[[NaN], {}]"), others=["echo", "slow"])
    answer = wire.attach(hello(), batch(frame), want=3)
    told = {frame.update.call: frame.update.error.type for frame in answer.frames}
    assert told == dict.fromkeys(("many", "many.1", "many.2"), "ProtocolError")


@pytest.mark.parametrize("name", REFUSED_CALLS)
def test_a_call_that_is_refused_leaves_the_stream_alone(wire: Wire, name: str):
    frame = REFUSED_CALLS[name]
    frame.call.call = f"c-{time.monotonic_ns()}"
    fine = pb.Frame(seq=2, call=call_of(call=f"fine-{time.monotonic_ns()}").call)
    answer = wire.attach(hello(), batch(frame), batch(fine), want=2)
    assert answer.status is grpc.StatusCode.OK
    ends = {frame.update.call: frame.update for frame in answer.frames}
    known = {"ProtocolError", "AgentCallError", "AgentNotFoundError", "ResultExpiredError"}
    assert ends[frame.call.call].error.type in known | {"AgentServerNotAliveError"}
    assert ends[fine.call.call].HasField("done")
