"""Two agents in two workers answer everything that they hear, five times each. Written in AutoGen's terms."""

import asyncio
from dataclasses import dataclass

from nbagents.compat.autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost

from nbagents.compat.autogen_core import (
    DefaultTopicId,
    MessageContext,
    RoutedAgent,
    default_subscription,
    message_handler,
)


@dataclass
class Said:
    content: str


@default_subscription
class Talker(RoutedAgent):
    def __init__(self, name: str) -> None:
        super().__init__("Talks")
        self._name = name
        self._times = 0

    @message_handler
    async def hear(self, message: Said, ctx: MessageContext) -> None:
        self._times += 1
        if self._times > 5:
            return
        content = f"{self._name}: Hello x {self._times}"
        print(content)
        await self.publish_message(Said(content=content), DefaultTopicId())


async def main() -> None:
    host = GrpcWorkerAgentRuntimeHost(address="localhost:0")
    host.start()
    worker1 = GrpcWorkerAgentRuntime(host_address=host.address)
    await worker1.start()
    await Talker.register(worker1, "worker1", lambda: Talker("worker1"))
    worker2 = GrpcWorkerAgentRuntime(host_address=host.address)
    await worker2.start()
    await Talker.register(worker2, "worker2", lambda: Talker("worker2"))

    await worker2.publish_message(Said(content="Hello!"), DefaultTopicId())
    while (await worker1.topics())["counts"]["delivered"] < 12:  # noqa: ASYNC110  # it is the host that knows
        await asyncio.sleep(0.05)

    await worker1.stop()
    await worker2.stop()
    await host.stop()


asyncio.run(main())
