"""nbagents, measured for `peers.py`."""

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from echo_agent import Echo, Sleeper

from nbagents import Msg, RpcAgent, RpcAgentClient, RpcAgentServerLauncher, _loop
from nbagents.agents import scheduler

TEXT = "x" * 200


def main() -> None:
    """Measure; print one JSON object."""
    message, found = Msg("user", TEXT), {}
    with RpcAgentServerLauncher(custom_agent_classes=[Echo, Sleeper]) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)

        def made(kind: str, count: int) -> list[RpcAgent]:
            ids = [f"{kind}-{n}" for n in range(count)]
            client.create_agents({"class_name": kind, "args": ["a"]}, ids)
            return [RpcAgent(i, i, connect=lambda: client.attachment) for i in ids]

        agents, sleepers = made("Echo", 1000), made("Sleeper", 100)

        async def sequential() -> float:
            times = []
            for _ in range(1500):
                begin = time.perf_counter()
                assert (await agents[0](message)).content == TEXT
                times.append(time.perf_counter() - begin)
            return statistics.median(times[200:])

        async def in_flight(count: int = 12_000) -> float:
            left = iter(range(count))

            async def worker(agent: RpcAgent) -> None:
                for _ in left:
                    await agent(message)

            begin = time.perf_counter()
            await asyncio.gather(*map(worker, agents[:64]))
            return (time.perf_counter() - begin) / count

        async def fan_out() -> float:
            begin = time.perf_counter()
            for reply in [agent(message) for agent in sleepers]:
                await reply
            return time.perf_counter() - begin

        async def broadcast() -> float:
            begin = time.perf_counter()
            await scheduler().broadcast(Msg("user", TEXT), agents)
            return time.perf_counter() - begin

        loop = _loop.background()
        found["sequential"] = loop.run(sequential())
        found["in_flight"] = loop.run(in_flight())
        found["fan_out"] = loop.run(fan_out())
        found["broadcast"] = statistics.median(loop.run(broadcast()) for _ in range(5))
    print(json.dumps(found), flush=True)


main()
