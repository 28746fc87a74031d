"""What AutoGen 0.7.5 takes for messages between two workers of one process, through a host in it: JSON."""

from __future__ import annotations

import asyncio
import json
import socket

from autogen_core import (
    AgentId,
    MessageContext,
    RoutedAgent,
    TopicId,
    TypeSubscription,
    event,
    rpc,
    try_get_known_serializers_for_type,
)
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost
from workers_load import Heard, Text, measure


class Echo(RoutedAgent):
    """Returns what it gets."""

    def __init__(self) -> None:
        super().__init__("echo")

    @rpc
    async def echo(self, message: Text, ctx: MessageContext) -> Text:
        return message


class Ear(RoutedAgent):
    """Counts what it hears."""

    def __init__(self) -> None:
        super().__init__("ear")

    @event
    async def hear(self, message: Text, ctx: MessageContext) -> None:
        Heard.one()


async def main() -> None:
    """Measure and print."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"localhost:{free.getsockname()[1]}"
    host = GrpcWorkerAgentRuntimeHost(address)
    host.start()
    there, here = GrpcWorkerAgentRuntime(address), GrpcWorkerAgentRuntime(address)
    await there.start()
    await here.start()
    await Echo.register(there, "echo", Echo)
    here.add_message_serializer(try_get_known_serializers_for_type(Text))
    found = await measure(
        lambda text: here.send_message(text, AgentId("echo", "one")),
        lambda name: Ear.register(there, name, Ear),
        lambda name: there.add_subscription(TypeSubscription("news", name)),
        lambda text: here.publish_message(text, TopicId("news", "one")),
    )
    print(json.dumps(found))


asyncio.run(main())
