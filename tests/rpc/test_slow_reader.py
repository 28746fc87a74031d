"""A client that reads slowly: little waits for it, it gets each message whole, and is told what it missed."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from remote_agents import Babbler, Buffers, Echo, Misses
from wire import batch, hello

from nbagents.message import Msg
from nbagents.rpc._codec import decode
from nbagents.rpc._limits import MAX_MESSAGE, MAX_UNREAD
from nbagents.rpc._methods import ATTACH
from nbagents.rpc._proto import agent_pb2 as pb

LONG = os.environ.get("NBAGENTS_LONG") == "1"
PIECES, SECONDS = (300_000, 800) if LONG else (30_000, 120)
WHOLE = "".join(f"{number:100} " for number in range(PIECES))
"""What the babbler says."""
NARROW = [
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.http2.bdp_probe", 0),  # else the window grows until nothing waits
    ("grpc.http2.lookahead_bytes", 65_536),
]


class SlowReader:
    """Asks an agent for its stream, and reads nothing of it before it is told to."""

    def __init__(self, address: str, token: str, agent_id: str) -> None:
        self._channel = grpc.insecure_channel(address, options=NARROW)
        self._over = threading.Event()
        call = pb.Call(call=uuid.uuid4().hex, method="_reply", agent=pb.Agent(key=agent_id), watched=True)
        call.arguments.data = b"[[%d],{}]" % PIECES
        self._sent = [hello(), batch(pb.Frame(seq=1, call=call))]
        metadata = [("authorization", f"Bearer {token}")]
        self._stream = self._channel.stream_stream(ATTACH)(
            self._requests(), metadata=metadata, timeout=SECONDS
        )

    def _requests(self) -> Iterator[bytes]:
        yield from self._sent
        self._over.wait(SECONDS)

    def frames(self) -> Iterator[pb.Frame]:
        """Read on, until the reply is there."""
        for data in self._stream:
            for frame in pb.Batch.FromString(data).frames:
                yield frame
                if frame.WhichOneof("kind") == "update":
                    return

    def close(self) -> None:
        self._over.set()
        self._stream.cancel()
        self._channel.close()


def p99(echo: Any, until: Any) -> float:
    """How long calls take, but for one in a hundred, until something is so."""
    took = []
    while not until() or len(took) < 100:
        begun = time.monotonic()
        assert echo(Msg("user", "x")).result(20)
        took.append(time.monotonic() - begun)
    return sorted(took)[int(len(took) * 0.99)]


@pytest.mark.timeout(900 if LONG else 60)
def test_a_slow_reader_gets_each_message_whole_and_is_told_what_it_missed(remote, client, server):
    babbler, buffers, echo = remote(Babbler), remote(Buffers), remote(Echo)
    assert buffers().result(20)
    babble = babbler(PIECES)
    alone = p99(echo, babble.done)
    reader = SlowReader(server.address, server.token, babbler.agent_id)
    most = 0

    def over() -> bool:
        nonlocal most
        most = max(most, *buffers().result(20).content)
        return client.get_server_info()["pending"] == 0

    beside = p99(echo, over)
    assert most > MAX_UNREAD // 2, "it was slow"
    assert most < MAX_UNREAD + 128 * 1024 + len(WHOLE), "and the reply, which is whole"
    assert beside < 2 * alone + 0.1
    told = list(reader.frames())
    reader.close()
    (update,) = [frame.update for frame in told if frame.WhichOneof("kind") == "update"]
    assert decode(update.done).content == WHOLE
    heard = [frame.event for frame in told if frame.WhichOneof("kind") == "event"]
    texts = [decode(event.data)["text"] for event in heard if event.kind == "delta"]
    said = "".join(texts).split()
    assert said == [str(number) for number in range(len(said))], "in order, up to where it lost them"
    (missed,) = [decode(event.data)["count"] for event in heard if event.kind == "missed"]
    others = sum(event.kind not in ("delta", "missed") for event in heard)
    assert len(said) + missed == PIECES + 1 - others, "the pieces, and that its turn had come"


@pytest.mark.timeout(900 if LONG else 60)
def test_who_reads_on_is_told_how_much_was_missed(remote, server):
    babbler = remote(Babbler)
    reader = SlowReader(server.address, server.token, babbler.agent_id)
    frames = reader.frames()
    assert next(frames).WhichOneof("kind") == "hello"
    misses = remote(Misses)
    while not misses().result(20).content:
        pass
    told = list(frames)
    reader.close()
    place = missed = 0
    for event in [frame.event for frame in told if frame.WhichOneof("kind") == "event"]:
        if event.kind == "missed":
            missed += decode(event.data)["count"]
            place += decode(event.data)["count"]
        elif event.kind == "delta":
            said = decode(event.data)["text"].split()
            assert said == [str(place + n) for n in range(len(said))], "nothing is missing without its mark"
            place += len(said)
    assert missed > 0
    assert place == PIECES
    assert told[-1].WhichOneof("kind") == "update"
