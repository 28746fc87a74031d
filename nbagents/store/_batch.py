"""`Batch`: what one transaction of the journal writes."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Batch"]


@dataclass(slots=True)
class Batch:
    """Rows to write together: all of them, or none. The numbers are those that `Journal` gave out."""

    forgotten: list[tuple[int]] = field(default_factory=list)
    """Agents that are no more."""
    agents: list[tuple[int, str, str, str, bool, int, str, str, int]] = field(default_factory=list)
    """New ones: number, id, workspace, name, whether it is found by that, colour, settings, state, and the
    place where its memory begins."""
    settings: list[tuple[str, int]] = field(default_factory=list)
    """How agents are made from now on: settings, number."""
    states: list[tuple[str, int]] = field(default_factory=list)
    """What agents have become, but for their memory: state, number."""
    messages: list[tuple[int, str]] = field(default_factory=list)
    """Messages that nobody remembered before: number, body."""
    memories: list[tuple[int, int, int]] = field(default_factory=list)
    """Who remembers what, each agent's in order: place, agent, message."""
    begins: list[tuple[int, int]] = field(default_factory=list)
    """Memories that were written anew: the place where they begin, agent."""
    replies: list[tuple[str, str]] = field(default_factory=list)
    """Replies of calls that may come again: key, reply."""
    expired: list[tuple[str]] = field(default_factory=list)
    """Keys of replies that are kept no longer."""
    configs: list[tuple[str, str]] = field(default_factory=list)
    """Model configurations without their keys: name, configuration."""
    dropped: list[tuple[str]] = field(default_factory=list)
    """The ids of runs that are kept no longer."""
    runs: list[tuple[str, str, str]] = field(default_factory=list)
    """Runs that are over: id, what is told of it, its events."""

    def __bool__(self) -> bool:
        """Is there anything to write?"""
        return any(getattr(self, name) for name in self.__slots__)
