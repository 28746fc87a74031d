"""What nbagents takes for messages between two workers of one process, through a host: JSON."""

from __future__ import annotations

import asyncio
import json

from workers_load import Heard, Text, measure

from nbagents.rpc import GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost
from nbagents.runtime import RoutedAgent, event, rpc
from nbagents.topics import (
    AgentId,
    MessageContext,
    TopicId,
    TypeSubscription,
    try_get_known_serializers_for_type,
)


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
    host = GrpcWorkerAgentRuntimeHost("localhost:0")
    host.start()
    there, here = GrpcWorkerAgentRuntime(host.address), GrpcWorkerAgentRuntime(host.address)
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
    await here.stop()
    await there.stop()
    await host.stop()


asyncio.run(main())
