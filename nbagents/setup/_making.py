"""How a server makes the agent that a cell describes, and what of that has changed since it was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..models import MODEL_KEYWORDS, model_config_to_wire

__all__ = ["changed_of", "settings_for"]

TOOLS = "_tools"
"""Under it `settings_of` describes a toolkit."""


def settings_for(
    name: str,
    sys_prompt: str,
    config: Any,
    generate_args: dict[str, Any] | None,
    tools: Sequence[Any] | None,
    approve: str | None,
) -> dict[str, Any]:
    """Return how a server makes an agent: with ``tools``, even none, one that calls some.

    Raises:
        UsageError: something is no tool, or two have the same name.
        AgentCreationError: a tool cannot go to a server.
    """
    config = model_config_to_wire(config)
    if generate_args:
        config["generate_args"] = {**config.get("generate_args", {}), **generate_args}
    if tools is None:
        kwargs = {"sys_prompt": sys_prompt, MODEL_KEYWORDS[0]: config}
        return {"class_name": "DialogAgent", "args": [name], "kwargs": kwargs}
    from ..agents import ReActAgent  # what few agents need
    from ..rpc import settings_of
    from ..tools import gathered

    given = {"name": name, "sys_prompt": sys_prompt, MODEL_KEYWORDS[1]: config}
    given |= {"toolkit": gathered(tools)} if tools else {}
    given |= {} if approve is None else {"approve": approve}
    return settings_of(ReActAgent, (), given)


def changed_of(before: dict[str, Any] | None, settings: dict[str, Any]) -> str:
    """Return in words what of an agent has changed; "" where it is not known how it was made.

    >>> one = {"class_name": "DialogAgent", "kwargs": {"sys_prompt": "Hello."}}
    >>> changed_of(one, {"class_name": "ReActAgent", "kwargs": {"sys_prompt": "Hello."}})
    'tools'
    """
    if before is None:
        return ""
    old, new = before["kwargs"], settings["kwargs"]
    found = {
        "prompt": old.get("sys_prompt") != new.get("sys_prompt"),
        "model": [old.get(key) for key in MODEL_KEYWORDS if old.get(key)]
        != [new.get(key) for key in MODEL_KEYWORDS if new.get(key)],
        "tools": any(
            one.get(key) != other.get(key)
            for one, other, key in (
                (before, settings, "class_name"),
                (before, settings, "source"),
                (old, new, TOOLS),
                (old, new, "approve"),
            )
        ),
    }
    words = [word for word, differs in found.items() if differs]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
