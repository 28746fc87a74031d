"""AgentScope 0.1.6, measured for `peers.py`: its launcher, `to_dist` and its placeholders."""

import json
import os
import statistics
import sys
import time

import agentscope
from agentscope.agents import AgentBase
from agentscope.message import Msg
from agentscope.server import RpcAgentServerLauncher
from loguru import logger

TEXT = "x" * 200


class Echo(AgentBase):
    """Returns what it is given, after ``delay`` seconds."""

    def __init__(self, name, delay=0.0):
        super().__init__(name=name)
        self.delay = delay

    def reply(self, x=None):
        time.sleep(self.delay)
        return Msg(name=self.name, role="assistant", content=x.content)


def main() -> None:
    """Measure; print one JSON object."""
    agentscope.init(disable_saving=True, use_monitor=False, logger_level="ERROR")
    logger.remove()
    launcher = RpcAgentServerLauncher(
        host="localhost", capacity=32, local_mode=True, custom_agent_classes=[Echo]
    )
    launcher.launch()

    def made(count: int, delay: float = 0.0) -> list:
        agents = [Echo(f"a{n}", delay).to_dist(host="localhost", port=launcher.port) for n in range(count)]
        for agent in agents:
            agent._check_created()
        return agents

    message = Msg(name="user", role="user", content=TEXT)

    def all_of(agents: list) -> float:
        begin = time.perf_counter()
        for reply in [agent(message) for agent in agents]:
            assert reply.content == TEXT
        return time.perf_counter() - begin

    agents, times = made(64), []
    for _ in range(600):
        begin = time.perf_counter()
        assert agents[0](message).content == TEXT
        times.append(time.perf_counter() - begin)
    found = {"sequential": statistics.median(times[100:])}
    all_of(agents)
    found["in_flight"] = sum(all_of(agents) for _ in range(20)) / 20 / 64
    found["fan_out"] = all_of(made(100, 0.5))
    crowd = made(1000)
    begin = time.perf_counter()
    for agent in crowd:
        agent.observe(message)
    found["broadcast"] = time.perf_counter() - begin
    print(json.dumps(found), flush=True)
    launcher.shutdown()
    sys.stdout.flush()
    os._exit(0)  # threads of its own would keep the process


if __name__ == "__main__":
    main()
