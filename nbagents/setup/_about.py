"""`Definition` and `AgentInfo`: what is told of an agent of a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..agents import AgentBase
from ..models import ModelChoice
from ._person import PERSON

__all__ = ["AgentInfo", "Definition"]


@dataclass(frozen=True, slots=True)
class Definition:
    """What came of defining an agent: ``change`` is "created", "updated" or "unchanged"."""

    agent: AgentBase
    change: str
    kept: int
    """How many messages it still remembers."""
    color: int
    """Its place in the order of creation in its workspace; decides its colour in every notebook."""
    choice: ModelChoice | None
    """The model it got, and why; None for a person."""
    what: str = ""
    """What was updated, where that is known: "prompt", "tools", "prompt and tools" …"""
    tools: tuple[str, ...] = ()
    """The names of the functions that it may call."""


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """One agent as its server lists it."""

    name: str
    workspace: str
    kind: str
    model: str
    messages: int
    color: int | None
    """None for a person."""
    busy: bool
    sys_prompt: str
    agent_id: str
    tools: tuple[str, ...] = ()
    approve: Mapping[str, str] = field(default_factory=dict)
    """What was said of its tools by effect, apart from what their toolkit says."""

    @classmethod
    def of(cls, about: dict[str, Any]) -> AgentInfo:
        """Return what a server tells of an agent."""
        return cls(
            name=about["name"],
            workspace=about.get("workspace", ""),
            kind=about.get("type", ""),
            model=about.get("model_name", ""),
            messages=about.get("messages", 0),
            color=None if about.get("type") == PERSON else about.get("color", 0),
            busy=bool(about.get("busy")),
            sys_prompt=about.get("sys_prompt") or "",
            agent_id=about["agent_id"],
            tools=tuple(map(str, about.get("tools", ()))),
            approve=dict(about.get("approve", {})),
        )
