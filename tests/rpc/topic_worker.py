"""A worker in a process of its own: ``python topic_worker.py ADDRESS TYPE=CLASS[:ARGUMENT] ...``."""

from __future__ import annotations

import asyncio
import sys

import topic_agents

from nbagents.rpc import GrpcWorkerAgentRuntime
from nbagents.topics import try_get_known_serializers_for_type


async def main(address: str, *kinds: str) -> None:
    """Register the types, say so, and serve until a signal comes."""
    shared = [kind.partition("=")[0].removesuffix("*") for kind in kinds if "*=" in kind]
    worker = GrpcWorkerAgentRuntime(address, shared=shared)
    await worker.start()
    worker.add_message_serializer(try_get_known_serializers_for_type(topic_agents.Told))
    for kind in kinds:
        name, _, rest = kind.partition("=")
        name, (cls, _, argument) = name.removesuffix("*"), rest.partition(":")
        made = getattr(topic_agents, cls)
        if isinstance(made, type):
            factory = (lambda made=made, argument=argument: made(argument)) if argument else made
            await made.register(worker, name, factory)
        else:
            await worker.register_factory(name, made)
    print("ready", flush=True)
    await worker.stop_when_signal()
    print("stopped", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
