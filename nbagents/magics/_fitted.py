"""An agent whose answer must have a shape: it is told so, its answer is checked, and once asked again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..agents import AgentBase
from ..exceptions import SchemaMismatchError
from ..message import Msg
from ..pipelines import Pipeline
from ..render import content_text
from ._shape import MisfitError, Shape

__all__ = ["Fitted"]


class Fitted(Pipeline):
    """Calls an agent like the agent itself; the value is its message with what was read from it.

    ``tell`` hears in a few words that an answer did not fit, before the agent is asked again.
    """

    def __init__(self, agent: AgentBase, shape: Shape, tell: Callable[[str], object]) -> None:
        self.participants = [agent]
        self.agent, self.shape, self.tell = agent, shape, tell

    async def drive(self, x: Any = None) -> Msg:
        """Ask the agent; check what it says.

        Raises:
            SchemaMismatchError: its second answer does not fit either.
        """
        answer = await self.agent(_instructed(x, self.shape.instruction))
        try:
            return self._read(answer)
        except MisfitError as misfit:
            self.tell(f"{self.agent._name}'s answer does not fit {self.shape.name}; asked again")
            complaint = f"This does not fit: {misfit}\n{self.shape.instruction}"
        answer = await self.agent(Msg("user", complaint, "user"))
        try:
            return self._read(answer)
        except MisfitError as misfit:
            raise SchemaMismatchError(
                f"{self.agent._name}'s answer does not fit {self.shape.name}, asked twice: {misfit}",
                hint=f"say in the prompt what {self.shape.name} needs, or take another model: "
                f"%%agent {self.agent._name} -m MODEL",
            ) from None

    def _read(self, answer: Msg) -> Msg:
        data, value = self.shape.read(content_text(answer.content))
        read = Msg.from_dict(answer.to_dict())
        known = read.metadata if isinstance(read.metadata, dict) else {}
        read._metadata = {**known, "parsed": data}
        read._parsed = value
        return read


def _instructed(x: Any, instruction: str) -> Any:
    """Return what comes in, and after it the instruction: within the person's own message where it is one."""
    if isinstance(x, str):
        return Msg("user", f"{x}\n\n{instruction}", "user")
    if isinstance(x, Msg) and x.role == "user" and isinstance(x.content, str) and x.name == "user":
        return Msg("user", f"{x.content}\n\n{instruction}", "user", url=x.url)
    before = [] if x is None else list(x) if isinstance(x, (list, tuple)) else [x]
    return [*before, Msg("user", instruction, "user")]
