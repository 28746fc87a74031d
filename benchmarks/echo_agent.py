"""The agents that `wire.py` measures, in a module that a server can import; and their rival."""

from __future__ import annotations

import asyncio
import random
import sys

from nbagents.agents import AgentBase


class Echo(AgentBase):
    """Returns what it is given."""

    async def reply(self, x=None):
        return x


class Keeper(AgentBase):
    """Returns what it is given, and remembers it."""

    async def reply(self, x=None):
        self.memory.add(x)
        return x


class Sleeper(AgentBase):
    """Thinks for half a second."""

    async def reply(self, x=None):
        await asyncio.sleep(0.5)
        return x


class Guesser(AgentBase):
    """Picks a number, as the agents of a large simulation do."""

    async def reply(self, x=None):
        return str(random.randint(0, 100))


async def serve_raw() -> None:
    """The rival: a bare grpc.aio server with one unary method that returns its bytes."""
    import grpc

    async def echo(data: bytes, context: object) -> bytes:
        return data

    server = grpc.aio.server()
    handlers = {"echo": grpc.unary_unary_rpc_method_handler(echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("raw.Echo", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(serve_raw())
