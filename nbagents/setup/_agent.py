"""`agent`: an agent of this workspace by its name, in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..agents import AgentBase
from ._current import session

__all__ = ["agent"]


def agent(
    name: str,
    sys_prompt: str | None = None,
    *,
    model: str | None = None,
    kind: str = "chat",
    temperature: float | None = None,
    seed: int | None = None,
    tools: Sequence[Any] = (),
    approve: str | None = None,
    fresh: bool = False,
) -> AgentBase:
    """Return the agent of that name in this workspace; with a system prompt, make it or bring it up to date.

    ``kind`` is "chat", "react" for one that may call tools, or "user" for a person, who needs no prompt.
    ``temperature`` and ``seed`` go to the model. ``tools`` are functions, objects that bring some, and
    toolkits; they go along to the server, and make a "react" of a "chat". ``approve`` says who allows their
    calls: "ask" you, "auto" all, "deny" none; unsaid, you are asked about what does more than to read.
    Blocking, about half a second if the server must start first.

    Raises:
        AgentNotFoundError: no ``sys_prompt`` was given and there is no such agent.
        UsageError: something is no tool.
        AgentServerError, ModelChoiceError: the server or the model cannot be had, or a tool cannot go there.
    """
    here = session()
    if sys_prompt is None and kind == "chat":
        return here.find(name)
    given = {"temperature": temperature, "seed": seed}
    generate_args = {key: value for key, value in given.items() if value is not None} or None
    made = here.define(
        name,
        sys_prompt or "",
        model=model,
        kind=kind,
        fresh=fresh,
        generate_args=generate_args,
        tools=tools,
        approve=approve,
    )
    return made.agent
