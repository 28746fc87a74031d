"""`Lasting`: what an agent does with a long-term memory: by tools, by itself at each reply, or both."""

from __future__ import annotations

from typing import Any

from ..exceptions import UsageError
from ..memory import arrived
from ..message import Msg
from ..tools import Toolkit
from ._asking import called

__all__ = ["MODES", "Lasting"]

MODES = ("agent_control", "static_control", "both")
TOOLS = ("record_to_memory", "retrieve_from_memory")
HEAD = "What is remembered of earlier conversations, and may be of use:"


class Lasting:
    """A long-term memory in one of `MODES`; without a memory it does nothing.

    Raises:
        UsageError: there is no such mode, or the memory lacks what the mode needs.
    """

    def __init__(self, name: str, memory: Any = None, mode: str = "both") -> None:
        if mode not in MODES:
            raise UsageError(
                f"long_term_memory_mode of {name} is one of {', '.join(MODES)}, not {mode!r:.60}"
            )
        tools = () if memory is None or mode == "static_control" else TOOLS
        self._memory, self._by_itself = memory, memory is not None and mode != "agent_control"
        needed = (*tools, *(("record", "retrieve") if self._by_itself else ()))
        lacks = [one for one in needed if not callable(getattr(memory, one, None))]
        if lacks:
            raise UsageError(
                f"the long_term_memory of {name} has {', '.join(needed)}, as a LongTermMemory has; a"
                f" {type(memory).__name__} lacks {', '.join(lacks)}"
            )
        self.toolkit = Toolkit()
        """Its tools, apart from those of the agent, which others may share."""
        for tool in tools:
            self.toolkit.register_tool_function(getattr(memory, tool))

    async def recalled(self, said: Any) -> Msg | None:
        """Return what is remembered about what was said, as a message for the conversation."""
        if not self._by_itself or not said:
            return None
        found = await arrived(await called(self._memory.retrieve, said))
        if not found:
            return None
        text = f"<long_term_memory>{HEAD}\n{found}</long_term_memory>"
        return Msg("long_term_memory", text, "user")

    async def keep(self, said: Any, reply: Msg) -> None:
        """Record what was said to the agent, and what it replied."""
        if self._by_itself:
            said = list(said) if isinstance(said, (list, tuple)) else [said] if said is not None else []
            await arrived(await called(self._memory.record, [*said, reply]))
