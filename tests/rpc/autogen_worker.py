"""A worker of AutoGen's own, run by its environment: ``python autogen_worker.py ADDRESS TYPE [FORM]``.

It does what it is told, a line of JSON each, and prints a line for each thing that happens.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass

from autogen_core import (
    JSON_DATA_CONTENT_TYPE,
    AgentId,
    MessageContext,
    RoutedAgent,
    TopicId,
    TypeSubscription,
    event,
    rpc,
    try_get_known_serializers_for_type,
)
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime
from google.protobuf.wrappers_pb2 import Int64Value, StringValue


@dataclass
class Ask:
    """As `topic_agents.Ask`, in AutoGen's terms."""

    text: str
    seconds: float = 0.0


@dataclass
class Told:
    """As `topic_agents.Told`."""

    text: str
    numbers: list[int]


@dataclass
class Note:
    """As `topic_agents.Note`."""

    number: int


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


class Theirs(RoutedAgent):
    """Answers, and says what it hears."""

    def __init__(self) -> None:
        super().__init__("theirs")

    @rpc
    async def answer(self, message: Ask, ctx: MessageContext) -> Told | None:
        if message.text == "nothing":
            return None  # which is never sent
        if message.text == "fail":
            raise ValueError("theirs has failed")
        if message.text == "fail without a word":
            raise ValueError
        if message.seconds:
            say(busy=message.text)
            await asyncio.sleep(message.seconds)
        return Told(f"{self.id} heard {message.text} from {ctx.sender}", [len(message.text)])

    @event
    async def hear(self, message: Note, ctx: MessageContext) -> None:
        say(heard=message.number, topic=str(ctx.topic_id), by=str(self.id), sender=str(ctx.sender))


class TheirsInProtobuf(RoutedAgent):
    """Takes messages of protobuf."""

    def __init__(self) -> None:
        super().__init__("theirs")

    @rpc
    async def answer(self, message: StringValue, ctx: MessageContext) -> Told:
        return Told(f"{self.id} heard {message.value}", [])

    @event
    async def hear(self, message: Int64Value, ctx: MessageContext) -> None:
        say(heard=message.value, topic=str(ctx.topic_id), by=str(self.id))


async def do(runtime: GrpcWorkerAgentRuntime, kind: str, order: dict) -> None:
    try:
        if "publish" in order:
            topic = TopicId(order["publish"], "autogen")
            sender = AgentId(kind, "sender")
            note = (Int64Value if "protobuf" in order else Note)(**order["fields"])
            await runtime.publish_message(note, topic, sender=sender)
            return
        if "register" in order:
            await Theirs.register(runtime, order["register"], Theirs)
            say(registered=order["register"])
            return
        recipient = AgentId.from_str(order["send"])
        asked = Ask(**order["ask"])
        reply = await asyncio.wait_for(runtime.send_message(asked, recipient), 30)
        say(reply=reply.text if isinstance(reply, Told) else repr(reply), asked=asked.text)
    except Exception as error:  # noqa: BLE001  # it is said
        say(error=str(error), kind=type(error).__name__)


async def main(address: str, kind: str, form: str = JSON_DATA_CONTENT_TYPE) -> None:
    runtime = GrpcWorkerAgentRuntime(address, payload_serialization_format=form)
    await runtime.start()
    made = Theirs if form == JSON_DATA_CONTENT_TYPE else TheirsInProtobuf
    await made.register(runtime, kind, made)
    await runtime.add_subscription(TypeSubscription("notes", kind))
    for known in (Ask, Told, Note, StringValue, Int64Value):
        runtime.add_message_serializer(try_get_known_serializers_for_type(known))
    say(ready=kind)
    work = set()
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        if "stop" in order:
            break
        task = asyncio.ensure_future(do(runtime, kind, order))
        work.add(task)
    await runtime.stop()
    say(stopped=kind)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
