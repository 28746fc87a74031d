"""An agent with a tool that writes, for the tests of approvals in servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbagents import Msg
from nbagents.agents import AgentBase
from nbagents.tools import Toolkit, effects


@effects("write")
def append_line(path: str, line: str) -> str:
    """Append a line to a file."""
    with Path(path).open("a") as file:
        file.write(f"{line}\n")
    return f"wrote {line}"


class Scribe(AgentBase):
    """Does what a model would ask for: calls the tool once for each line of what it is told."""

    def __init__(self, name: str, approve: Any = None) -> None:
        super().__init__(name)
        self._toolkit = Toolkit(approve=approve)
        self._toolkit.register_tool_function(append_line)

    async def reply(self, x: Msg | None = None) -> str:
        assert x is not None
        path, *lines = str(x.content).split("\n")
        told = []
        for line in lines:
            block = {
                "type": "tool_use",
                "id": "1",
                "name": "append_line",
                "input": {"path": path, "line": line},
            }
            told.append((await self._toolkit.call_tool_function(block).last()).text)
        return "\n".join(told)


class Chief(AgentBase):
    """Lets another agent do it, which may live in another server."""

    async def reply(self, scribe: AgentBase, x: Msg) -> str:  # type: ignore[override]
        return str((await scribe(x)).content)
