"""Agents that are given other agents; servers under test import them by their names."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from nbagents.agents import AgentBase
from nbagents.message import Msg


class Generator(AgentBase):
    """Says its number after a while, and when it worked on it."""

    def __init__(self, name: str, number: int, seconds: float = 0.0) -> None:
        super().__init__(name)
        self.number, self._seconds = number, seconds

    async def reply(self, x: Any = None) -> Msg:
        begin = time.monotonic()
        await asyncio.sleep(self._seconds)
        return Msg(self.name, self.number, metadata={"worked": [begin, time.monotonic()]})


class Gatherer(AgentBase):
    """Asks the agents that it was made with, all at once, and adds up what they say."""

    def __init__(self, name: str, agents: list[AgentBase]) -> None:
        super().__init__(name)
        self.agents = agents

    async def reply(self, x: Any = None) -> Msg:
        said = [agent(x) for agent in self.agents]
        answers = [await one for one in said]
        worked = [one.metadata["worked"] for one in answers]
        kinds = [type(agent).__name__ for agent in self.agents]
        total = sum(one.content for one in answers)
        return Msg(self.name, total, metadata={"worked": worked, "kinds": kinds})


class Asker(AgentBase):
    """Asks whom it is told to, and remembers whom it was told of."""

    def reply(self, whom: Any, question: Any = None) -> Msg:
        if isinstance(whom, Msg):
            self.memory.add(whom)
            whom = whom.metadata["friends"][0]
        if isinstance(whom, dict):
            (whom,) = whom["friends"]
        self.friend = whom
        answer = whom(question)
        return Msg(self.name, f"{whom.name} said {answer.content}", metadata={"friend": whom, "me": self})


class Remembering(AgentBase):
    """Tells what has been made of it."""

    def __init__(self, name: str, given: int = 0) -> None:
        super().__init__(name)
        self.given, self.count, self.connection = given, 0, object()
        self._private = "from the constructor"

    def reply(self, x: Any = None) -> dict[str, Any]:
        self.count += 1
        if x is not None:
            self.memory.add(x)
        own = {name: value for name, value in vars(self).items() if name[0] != "_" and name != "memory"}
        own["connection"] = type(own["connection"]).__name__
        return own | {"_private": self._private, "friend": None, "heard": self._heard()}

    def _heard(self) -> list[Any]:
        return [message.content for message in self.memory.get_memory()]


class Knowing(AgentBase):
    """Says of itself what it has become, in its own way."""

    secret = b"\x00"

    def state_dict(self) -> dict[str, Any]:
        return {"raw": self.secret, "last": Msg("me", "last")}

    def load_state_dict(self, state: Any) -> None:
        if state["raw"] == b"refuse":
            raise ValueError("this state is not mine")
        self.secret, self.last = state["raw"], state["last"]

    def reply(self, x: Any = None) -> list[Any]:
        return [self.secret.decode(), self.last.content]
