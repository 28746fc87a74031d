"""Noise on the wire: whatever comes, the server refuses it by name, lives, and keeps nothing of it."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from wire import PICKLED, SERVICES, Wire, entry, hello, number

from nbagents.message import Msg
from nbagents.rpc import RpcAgentClient
from nbagents.rpc._methods import REQUESTS
from nbagents.rpc._proto import agent_pb2 as pb

LONG = os.environ.get("NBAGENTS_LONG") == "1"
RANDOM, GRAMMAR, CONNECTIONS = (10_000, 10_000, 1_000) if LONG else (500, 500, 50)
SEED = 20261128
# Waiting for the reply of a task is what it is for; these two end things.
METHODS = sorted(set(REQUESTS) - {"stop", "delete_all_agents", "update_placeholder"})
KNOWN = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.CANCELLED,
}
TOKENS = [
    b"", b"{", b"}", b"[", b"]", b":", b",", b'"', b"null", b"true", b"0", b"-1", b"1e400", b"NaN",
    b"\\ud800",
    b'"__module__"', b'"__promise__"', b'"__blob__"', b'"__dict__"', b'"__bytes__"', b'"nbagents.message"',
    b'"class_name"', b'"AgentBase"', b'"args"', b'"kwargs"', b'"import_path"', b"\x00", b"\xff\xfe",
    b"\xc3\xa9", b"_reply", b"_observe", PICKLED, b"A" * 1000,
]  # fmt: skip
SEEDS = [
    json.dumps(Msg("user", "hi", metadata={"k": [1, None]}).to_dict()).encode(),
    json.dumps({"class_name": "AgentBase", "args": ["n"], "kwargs": {}}).encode(),
    json.dumps([{"config_name": "c", "model_type": "post_api"}]).encode(),
    b'[[{"__dict__": [["a", 1]]}], {}]',
    b'{"__bytes__": "QUJD"}',
]
pytestmark = [
    pytest.mark.usefixtures("unharmed"),
    pytest.mark.timeout(300 if LONG else 60),
    *([pytest.mark.long] if LONG else []),
]


@pytest.fixture
def dice() -> random.Random:
    return random.Random(SEED)


@pytest.fixture
def flat(server, wire, wait_for) -> Iterator[None]:
    """The server ends with the open files that it began with, and hardly more memory."""
    process = psutil.Process(server.connection.pid)
    RpcAgentClient(server.address, token=server.token).get_server_info()
    before, memory = process.num_fds() if os.name == "posix" else 0, process.memory_info().rss
    yield
    if os.name == "posix":
        wait_for(lambda: process.num_fds() <= before + 4, 30)
    client = RpcAgentClient(server.address, token=server.token)
    kept = [
        about["agent_id"] for about in client.get_agent_list() if about["agent_id"] not in ("echo", "slow")
    ]
    assert process.memory_info().rss - memory < (96 if LONG else 48) * 2**20, f"with {len(kept)} agents made"
    for agent_id in kept:
        client.delete_agent(agent_id)


def noise(dice: random.Random) -> bytes:
    return dice.randbytes(dice.choice((0, 1, 5, 20, 100, 1000)))


def bent(dice: random.Random) -> bytes:
    """JSON, or what was JSON before this."""
    text = dice.choice(SEEDS)
    for _ in range(dice.randint(0, 4)):
        at = dice.randint(0, len(text))
        end = min(len(text), at + dice.choice((0, 1, 3, 10)))
        text = text[:at] + dice.choice(TOKENS) * dice.choice((1, 1, 1, 50)) + text[end:]
    return text


def fields(dice: random.Random, kind: type) -> bytes:
    """The fields of a message in any order, some twice, some of another type."""
    body = b""
    names = (
        (b"echo", b"_reply", b"x1") if kind is pb.RpcMsg else (b"_reply", b"x1")
    )  # nobody else is called echo
    for field in dice.choices(kind.DESCRIPTOR.fields or [None], k=dice.randint(1, 5)):
        n = field.number if field is not None else dice.randint(1, 20)
        how = dice.random()
        if how < 0.7:
            body += entry(n, bent(dice) if dice.random() < 0.7 else dice.choice(names))
        elif how < 0.85:
            body += number(n, dice.choice((0, 1, -1, 2**31, 2**63 - 1)))
        else:
            body += entry(n, noise(dice))
    return body


@pytest.mark.parametrize("make", ["noise", "grammar"])
def test_methods(wire: Wire, flat, dice, make: str):
    for _ in range(RANDOM if make == "noise" else GRAMMAR):
        method, service = dice.choice(METHODS), dice.choice(SERVICES)
        body = noise(dice) if make == "noise" else fields(dice, REQUESTS[method])
        answer = wire.unary(f"/{service}/{method}", body)
        assert answer.status in KNOWN, (method, body, answer)


@pytest.mark.parametrize("make", ["noise", "grammar"])
def test_frames(wire: Wire, flat, dice, make: str):
    kinds = pb.Frame.DESCRIPTOR.oneofs_by_name["kind"].fields
    for _ in range((RANDOM if make == "noise" else GRAMMAR) // 5):
        batches = []
        for seq in range(1, dice.randint(2, 6)):
            if make == "noise":
                batches.append(noise(dice))
                continue
            field = dice.choice(kinds)
            inner = fields(dice, getattr(pb, field.message_type.name))
            if field.name == "call" and dice.random() < 0.8:  # something that may even be right
                call = pb.Call(call=f"c{dice.getrandbits(60)}", agent=pb.Agent(key="echo"), method="_reply")
                call.arguments.data = bent(dice)
                inner = call.SerializeToString()
            batches.append(entry(1, number(1, seq) + entry(field.number, inner)))
        answer = wire.attach(hello(), *batches)
        assert answer.status in KNOWN, (batches, answer)
        for frame in answer.frames:
            error = frame.update.error if frame.HasField("update") else frame.response.error
            assert error.type != "InternalError", batches


@pytest.mark.posix
def test_connections(server, wire: Wire, flat, dice):
    path = server.address.removeprefix("unix:")
    openings = [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ]
    for _ in range(CONNECTIONS):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(path)
            try:
                raw.sendall(dice.choice(openings) + noise(dice))
            except OSError:  # refused before it had said everything
                continue
    assert Path(path).is_socket()
