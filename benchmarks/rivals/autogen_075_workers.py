"""What AutoGen 0.7.5 takes for messages between two workers of one process, through a host in it: JSON."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys

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


async def serve(address: str) -> None:
    """Be the host, as long as whoever started this lives."""
    host = GrpcWorkerAgentRuntimeHost(address)
    host.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


async def main() -> None:
    """Measure and print."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"localhost:{free.getsockname()[1]}"
    # In a process of its own, as that of nbagents is.
    host = subprocess.Popen(  # noqa: ASYNC220  # nothing else runs yet
        [sys.executable, __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    host.stdout.readline()
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
    print(json.dumps(found), flush=True)
    host.kill()
    os._exit(0)  # its own end waits for what it has left


asyncio.run(serve(sys.argv[1]) if len(sys.argv) > 1 else main())
