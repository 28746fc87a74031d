"""An agent that waits before it asks its model, and tells what came of that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from nbagents import DialogAgent, Msg
from nbagents.models import ModelResponse, ModelWrapperBase


class Later(DialogAgent):
    """Asks its model once the pipe ``gate`` has been closed; tells the pipe ``told`` what came of that."""

    def __init__(self, name: str, prompt: str, model: Any, *, gate: str, told: str) -> None:
        super().__init__(name, prompt, model)
        self.gate, self.told = gate, told

    async def reply(self, x: Msg | None = None) -> Msg:
        await asyncio.to_thread(Path(self.gate).read_text)
        try:
            reply = await super().reply(x)
        except Exception as error:
            await asyncio.to_thread(Path(self.told).write_text, f"{type(error).__name__}: {error}")
            raise
        await asyncio.to_thread(Path(self.told).write_text, f"said {reply.content}")
        return reply


class OddModel(ModelWrapperBase):
    """Says what it is told, with blocks that hold what no JSON does, or too much of it."""

    def __call__(self, messages: Any, **kwargs: Any) -> ModelResponse:
        told = messages[-1]["content"].rpartition(" ")[2]
        more: Any = {"nan": float("nan"), "plain": 1}.get(told)
        if told == "deep":
            for _ in range(200):
                more = [more]
        if told == "wide":
            more = []
            for _ in range(80):
                more = [more]
            more = [more] * 3500
        return ModelResponse(content=[{"type": "text", "text": f"said {told}", "more": more}])


class Odd(DialogAgent):
    """Asks an `OddModel`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "Say it.", OddModel("odd"))
