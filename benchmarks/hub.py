"""What a hub costs: agents that each ask a model in turn and hear each other, beside the model's own time.

    python benchmarks/hub.py [--agents 50] [--rounds 4] [--model 0.05]

In turn, as a hub is mostly used, each agent hears the one before and sends the whole talk to its model: the
unavoidable time is agents times rounds times the model's, and the goal is at most 1.5 times that. Together,
all agents of a round are asked at once and then hear each other; here only the newest message goes to the
model, since making fifty long prompts at once measures prompts, not hubs.
"""

from __future__ import annotations

import argparse
import asyncio
import time

from nbagents import Msg, fanoutpipeline, msghub
from nbagents.agents import AgentBase, DialogAgent
from nbagents.models import ModelResponse, ModelWrapperBase

GOAL = 1.5


class Timed(ModelWrapperBase):
    """A model that answers after a given time, and does nothing else."""

    def __init__(self, seconds: float) -> None:
        super().__init__("timed")
        self.seconds = seconds

    def __call__(self, messages, **generate_args) -> ModelResponse:
        async def work(request) -> None:
            await asyncio.sleep(self.seconds)
            request.finish(text=f"heard {len(messages)}", raw=None, usage=None)

        return ModelResponse.begin("timed", work)


class Quiet(DialogAgent):
    """A dialogue agent that prints nothing."""

    def speak(self, content) -> None:
        """Say nothing."""


class Brief(AgentBase):
    """Sends its model the newest message alone."""

    async def reply(self, x=None) -> str:
        response = await self.model(self.model.format(self.memory.get_memory(1)))
        return response.text


def agents(kind: type[AgentBase], number: int, seconds: float) -> list[AgentBase]:
    model = Timed(seconds)
    return [kind(f"agent{index}", "You are one of many.", model) for index in range(number)]


def in_turn(number: int, rounds: int, seconds: float) -> float:
    members = agents(Quiet, number, seconds)
    begin = time.perf_counter()
    with msghub(members, announcement=Msg("host", "Begin.")):
        for _ in range(rounds):
            for agent in members:
                last = agent()
    last.result()
    took = time.perf_counter() - begin
    assert {agent.memory.size() for agent in members} == {1 + number * rounds}
    return took


def together(number: int, rounds: int, seconds: float) -> float:
    members = agents(Brief, number, seconds)
    begin = time.perf_counter()
    with msghub(members, announcement=Msg("host", "Begin."), enable_auto_broadcast=False) as hub:
        for _ in range(rounds):
            hub.broadcast(fanoutpipeline(members))
    sizes = {agent.memory.size() for agent in members}
    took = time.perf_counter() - begin
    assert sizes == {1 + number * rounds}
    return took


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--model", type=float, default=0.05, help="seconds that the model takes")
    given = parser.parse_args()
    in_turn(2, 1, 0)  # what is loaded once is not the hub's
    steps = given.agents * given.rounds
    for name, measure, unavoidable in (
        ("in turn", in_turn, steps * given.model),
        ("together", together, given.rounds * given.model),
    ):
        took = measure(given.agents, given.rounds, given.model)
        ratio = took / unavoidable
        print(f"{name}: {took:.2f} s, the model's {unavoidable:.2f} s: {ratio:.2f} times (goal {GOAL})")


if __name__ == "__main__":
    main()
