"""Raw gRPC, bytes in and bytes out, over the server's own socket: what any client could send."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from nbagents.rpc._limits import MAX_MESSAGE
from nbagents.rpc._methods import ATTACH
from nbagents.rpc._proto import agent_pb2 as pb

SERVICES = ("nbagents.v1.RpcAgent", "RpcAgent")
PICKLED = b"cposix\nsystem\n(S'touch pickled'\ntR."
"""What would start a program where it was unpickled."""
REFUSALS = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}


@dataclass
class Answer:
    """What became of one call: its status and text, and what came back."""

    status: grpc.StatusCode
    text: str = ""
    body: bytes = b""
    frames: list[pb.Frame] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Was it refused, by a status of ours, a typed error, or in AgentScope's own way?"""
        if self.status is not grpc.StatusCode.OK:
            return self.status in REFUSALS
        return bool(self.text)


class Wire:
    """One channel to one server."""

    def __init__(self, address: str, token: str | None) -> None:
        self.metadata = [("authorization", f"Bearer {token}")] if token is not None else []
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", MAX_MESSAGE)]
        self.channel = grpc.insecure_channel(address, options=options)

    def close(self) -> None:
        self.channel.close()

    def unary(self, path: str, body: bytes, timeout: float = 20) -> Answer:
        """Call a method that answers once, or streams."""
        streams = path.endswith("/download_file")
        call: Any = self.channel.unary_stream(path) if streams else self.channel.unary_unary(path)
        try:
            data = call(body, metadata=self.metadata, timeout=timeout)
            data = b"".join(data) if streams else data
        except grpc.RpcError as error:
            return Answer(error.code(), error.details() or "")
        if streams:
            return Answer(grpc.StatusCode.OK, "", data)
        answer = pb.GeneralResponse.FromString(data)
        return Answer(grpc.StatusCode.OK, "" if answer.ok else answer.message or "?", data)

    def request(self, method: str, body: bytes) -> Answer:
        """Ask for the same over the stream."""
        asked = pb.Frame(seq=1, request=pb.Request(id=1, method=method, body=body))
        answer = self.attach(hello(), batch(asked), want=1)
        for frame in answer.frames:
            if frame.response.HasField("error"):
                return Answer(answer.status, f"{frame.response.error.type}: {frame.response.error.message}")
            told = pb.GeneralResponse.FromString(frame.response.body)
            return Answer(answer.status, "" if told.ok else told.message or "?", frame.response.body)
        return answer

    def attach(self, *batches: bytes, want: int = 0, timeout: float = 20) -> Answer:
        """Send batches over a stream; return how it ended, or what came once ``want`` answers are there."""
        enough = threading.Event()

        def sent() -> Iterator[bytes]:
            yield from batches
            if want:
                enough.wait(timeout)

        call = self.channel.stream_stream(ATTACH)(sent(), metadata=self.metadata, timeout=timeout)
        frames: list[pb.Frame] = []
        try:
            for data in call:
                came = pb.Batch.FromString(data).frames
                frames += [frame for frame in came if frame.WhichOneof("kind") in ("response", "update")]
                if want and len(frames) >= want:
                    enough.set()
        except grpc.RpcError as error:
            return Answer(error.code(), error.details() or "", frames=frames)
        finally:
            enough.set()
        return Answer(grpc.StatusCode.OK, frames=frames)


def batch(*frames: pb.Frame) -> bytes:
    """Return frames as they travel together."""
    return pb.Batch(frames=frames).SerializeToString()


def hello(**fields: Any) -> bytes:
    """Return the greeting of a fresh session."""
    about = {"protocol": 1, "session": uuid.uuid4().hex} | fields
    return batch(pb.Frame(hello=pb.Hello(**about)))


def entry(number: int, data: bytes) -> bytes:
    """Return one field of bytes, whatever its type in the contract says."""
    length, size = [], len(data)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + data


def number(field_number: int, value: int) -> bytes:
    """Return one field that holds a number, in two's complement of 64 bits."""
    value &= 2**64 - 1
    out = [field_number << 3]
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
