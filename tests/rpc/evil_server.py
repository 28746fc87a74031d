"""A server that speaks the protocol and means harm: ``python evil_server.py SOCKET``.

The token that a client brings names the harm. Before it is done, the server greets as it should, unless the
greeting is the harm, and waits for the client's first frame.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from nbagents import __version__
from nbagents._process import boot_id, process_started
from nbagents.rpc._limits import ACCEPTED, MAX_MESSAGE, SERVER_OPTIONS
from nbagents.rpc._proto import agent_pb2 as pb

Harm = Callable[["Victim"], Awaitable[None]]
GREETINGS: dict[str, Harm] = {}
HARMS: dict[str, Harm] = {}
ANSWERS: dict[str, bytes] = {}
CHUNK = 1000
PLACE = "sits_in_the_place_of_another"


class Victim:
    """One client: its stream, the name of its session, and its first frame."""

    def __init__(self, context: Any) -> None:
        self.context, self.session, self.first, self.seq = context, "", pb.Frame(), 0

    async def send(self, *frames: pb.Frame) -> None:
        for frame in frames:
            if frame.WhichOneof("kind") != "hello":
                self.seq += 1
                frame.seq = self.seq
        await self.context.write(pb.Batch(frames=frames).SerializeToString())

    async def greet(self, **fields: Any) -> None:
        about = {
            "session": self.session, "version": __version__, "protocol": 1, "server_id": "evil", "epoch": "e",
            "pid": os.getpid(), "pid_started": process_started(os.getpid()), "boot": boot_id(),
        }  # fmt: skip
        await self.send(pb.Frame(hello=pb.Hello(**(about | fields))))

    async def answer(self, data: bytes, content_type: str = "application/json", **more: Any) -> None:
        payload = pb.Payload(content_type=content_type, data=data, **more)
        await self.send(pb.Frame(update=pb.Update(call=self.first.call.call, done=payload)))

    async def event(self, **fields: Any) -> None:
        about = {
            "kind": "printed",
            "call": self.first.call.call,
            "root": self.first.call.call,
            "agent": "evil",
        }
        await self.send(pb.Frame(event=pb.Event(**(about | fields))))


def greeting(harm: Harm) -> Harm:
    GREETINGS[harm.__name__] = harm
    return harm


def harm(harm: Harm) -> Harm:
    HARMS[harm.__name__] = harm
    return harm


# ---------------------------------------------------------------------------- greetings


@greeting
async def never_greets(victim: Victim) -> None:
    await asyncio.sleep(30)


@greeting
async def hangs_up_instead_of_greeting(victim: Victim) -> None:
    pass


@greeting
async def breaks_instead_of_greeting(victim: Victim) -> None:
    await victim.context.abort(grpc.StatusCode.UNAVAILABLE, "no\r\nroot: \x1b[31mforged")


@greeting
async def refuses_with_an_essay(victim: Victim) -> None:
    await victim.context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a\r\nb\x1b[31m" + "x" * 5000)


@greeting
async def greets_with_noise(victim: Victim) -> None:
    await victim.context.write(b"\xff" * 1000)


@greeting
async def greets_with_another_frame(victim: Victim) -> None:
    await victim.send(pb.Frame(event=pb.Event(kind="done")))


@greeting
async def greets_with_nothing(victim: Victim) -> None:
    await victim.context.write(b"")


@greeting
async def greets_somebody_else(victim: Victim) -> None:
    await victim.greet(session="another")


@greeting
async def greets_without_a_name(victim: Victim) -> None:
    await victim.greet(server_id="")


@greeting
async def is_of_another_version(victim: Victim) -> None:
    await victim.greet(version="9.9\r\n\x1b[31m" + "9" * 1000)


# ---------------------------------------------------------------------------- answers to a call

VALUES = {
    "a_gadget": b'{"__module__": "os", "__name__": "system", "args": ["touch gadget"]}',
    "a_gadget_inside": b'{"a": [[[[{"__module__": "subprocess", "__name__": "Popen"}]]]]}',
    "an_address": b'{"__module__": "nbagents.message", "__name__": "PlaceholderMessage",'
    b' "_host": "127.0.0.1", "_port": 9, "_task_id": 1}',
    "a_promise": b'{"__promise__": "x", "server": "evil"}',
    "a_blob_that_is_not_there": b'{"__blob__": 7}',
    "a_pickle": b"cposix\nsystem\n(S'touch gadget'\ntR.",
    "a_message_of_odd_types": b'{"__module__": "nbagents.message", "__name__": "Msg", "id": {}, "name": [],'
    b' "content": 1, "role": "user", "url": 3, "metadata": 3, "timestamp": 0}',
    "deep_json": b"[" * 1_000_000,
    "deep_objects": b'{"a":' * 200_000,
    "many_lists": b"[" + b"[]," * 2_000_000 + b"[]]",
    "not_a_number": b"[NaN]",
    "infinity": b"-Infinity",
    "too_large_a_number": b"1e999",
    "endless_digits": b"1" * 100_000,
    "invalid_utf8": b'"\xff\xfe"',
    "half_a_text": b'{"a": "b',
    "nothing": b"",
}  # fmt: skip


def answering(name: str, value: bytes) -> None:
    async def answer(victim: Victim) -> None:
        await victim.answer(value)

    answer.__name__ = f"answers_with_{name}"
    harm(answer)


for name, value in VALUES.items():
    answering(name, value)


@harm
async def answers_with_neither(victim: Victim) -> None:
    await victim.send(pb.Frame(update=pb.Update(call=victim.first.call.call)))


@harm
async def answers_with_an_odd_error(victim: Victim) -> None:
    error = pb.Error(
        type="Key\r\nboardInterrupt" * 100, message="m", builtin="KeyboardInterrupt", traceback="t" * 10**6
    )
    await victim.send(pb.Frame(update=pb.Update(call=victim.first.call.call, error=error)))


@harm
async def answers_with_many_blobs(victim: Victim) -> None:
    await victim.answer(b'{"__blob__": 0}', blobs=[b""] * 2_000_000)


@harm
async def sends_many_frames_at_once(victim: Victim) -> None:
    await victim.context.write(b"\x0a\x00" * 10_000_000)


@harm
async def sends_more_than_the_limit(victim: Victim) -> None:
    await victim.context.write(b"\x0a" * (MAX_MESSAGE + 1000))


@harm
async def sends_noise(victim: Victim) -> None:
    await victim.context.write(b"\xff" * 100)


@harm
async def sends_a_frame_of_an_unknown_kind(victim: Victim) -> None:
    await victim.context.write(b"\x0a\x05\x08\x01\x7a\x01x")


@harm
async def leaves_out_a_frame(victim: Victim) -> None:
    victim.seq = 5
    await victim.answer(b"1")


@harm
async def greets_twice(victim: Victim) -> None:
    await victim.greet()


@harm
async def calls_the_client(victim: Victim) -> None:
    await victim.send(pb.Frame(call=pb.Call(call="x", method="_reply")))


@harm
async def asks_the_client_for_a_method(victim: Victim) -> None:
    await victim.send(pb.Frame(request=pb.Request(id=1, method="stop")))


@harm
async def tells_an_event_without_fields(victim: Victim) -> None:
    await victim.event(data=pb.Payload(content_type="application/json", data=b"[1]"))


@harm
async def tells_an_event_of_nonsense(victim: Victim) -> None:
    await victim.event(kind="\r\n" * 100, data=pb.Payload(content_type="application/json", data=b"{"))


@harm
async def answers_others_without_end(victim: Victim) -> None:
    while True:
        done = pb.Payload(content_type="application/json", data=b"1")
        await victim.send(*[pb.Frame(update=pb.Update(call=f"c-{n}", done=done)) for n in range(CHUNK)])


@harm
async def responds_to_others_without_end(victim: Victim) -> None:
    while True:
        await victim.send(*[pb.Frame(response=pb.Response(id=n + 99)) for n in range(CHUNK)])


@harm
async def hangs_up(victim: Victim) -> None:
    pass


# ---------------------------------------------------------------------------- what ends by patience alone


async def never_acknowledges(victim: Victim) -> None:
    while True:
        await next_frame(victim)


async def tells_of_others_without_end(victim: Victim) -> None:
    data = pb.Payload(content_type="application/json", data=b'{"text": "forged"}')
    while True:
        event = pb.Event(kind="printed", call="c-1", root="c-1", run="r", agent="poet", data=data)
        frames = []
        for _ in range(CHUNK):
            victim.seq += 1
            frames.append(pb.Frame(seq=victim.seq, event=event))
        await victim.context.write(pb.Batch(frames=frames).SerializeToString())


async def acknowledges_without_end(victim: Victim) -> None:
    while True:
        await victim.context.write(pb.Batch(frames=[pb.Frame(ack=2**60)] * CHUNK).SerializeToString())


async def says_nothing(victim: Victim) -> None:
    await asyncio.sleep(60)


async def answers_twice(victim: Victim) -> None:
    for value in (b'"first"', b'"second"', b'"third"'):
        await victim.answer(value)
    await asyncio.sleep(60)


async def crashes(victim: Victim) -> None:
    raise RuntimeError("boom")


async def breaks_again_and_again(victim: Victim) -> None:
    await victim.context.abort(grpc.StatusCode.UNAVAILABLE, "again")


OTHERS: dict[str, Harm] = {
    harm.__name__: harm
    for harm in (
        tells_of_others_without_end,
        never_acknowledges,
        acknowledges_without_end,
        says_nothing,
        answers_twice,
        breaks_again_and_again,
        crashes,
    )
}

for name, body in {
    "noise": b"\xff\xff",
    "nothing": b"",
    "no_json": pb.GeneralResponse(ok=True, message="{").SerializeToString(),
    "a_number": pb.GeneralResponse(ok=True, message="3").SerializeToString(),
    "a_list_of_numbers": pb.GeneralResponse(ok=True, message="[3]").SerializeToString(),
    "deep_json": pb.GeneralResponse(ok=True, message="[" * 1_000_000).SerializeToString(),
    "endless_digits": pb.GeneralResponse(ok=True, message="1" * 100_000).SerializeToString(),
    "a_gadget": pb.GeneralResponse(ok=True, message='[{"__module__": "os"}]').SerializeToString(),
}.items():
    ANSWERS[f"responds_with_{name}"] = body


async def respond(victim: Victim, body: bytes) -> None:
    """Answer each request, twice."""
    frame = victim.first
    while True:
        if frame.WhichOneof("kind") == "request":
            for _ in range(2):
                await victim.send(pb.Frame(response=pb.Response(id=frame.request.id, body=body)))
        frame = await next_frame(victim)


async def next_frame(victim: Victim) -> pb.Frame:
    data = await victim.context.read()
    if data is grpc.aio.EOF:
        raise asyncio.CancelledError
    return pb.Batch.FromString(data).frames[0]


async def attach(_: Any, context: Any) -> None:
    token = dict(context.invocation_metadata())["authorization"].removeprefix("Bearer ")
    victim = Victim(context)
    await context.send_initial_metadata((ACCEPTED,))
    victim.session = (await next_frame(victim)).hello.session
    if token in GREETINGS:
        await GREETINGS[token](victim)
        return
    await victim.greet()
    victim.first = await next_frame(victim)
    if token in ANSWERS or token == PLACE:
        await respond(victim, ANSWERS.get(token, b""))
    else:
        await (HARMS | OTHERS)[token](victim)
    if token.startswith(("answers", "tells", "sends", "leaves", "greets", "calls", "asks")):
        await asyncio.sleep(60)  # it is for the client to hang up


async def main(path: str) -> None:
    server = grpc.aio.server(options=[*SERVER_OPTIONS, ("grpc.max_send_message_length", -1)])
    handler = grpc.stream_stream_rpc_method_handler(attach)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("nbagents.v1.AgentServer", {"Attach": handler}),)
    )
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
