"""Agents from configurations: ``{"class": "DialogAgent", "args": {"name": …}}``; nothing is imported."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..agents import AgentBase
from ..config import read_json
from ..exceptions import UsageError

__all__ = ["agents_of"]


def agents_of(
    given: Mapping[str, Any] | Iterable[Mapping[str, Any]] | str | os.PathLike[str],
) -> list[AgentBase]:
    """Make the agents of one configuration, of a list of them, or of a JSON file of either.

    A class is named as it is called: one of nbagents', or any that this program has defined or imported.

    Raises:
        UsageError: no such file or class, or a configuration is none.
    """
    found = read_json(given, "agent configurations") if isinstance(given, str | os.PathLike) else given
    items = [found] if isinstance(found, Mapping) else list(found) if isinstance(found, Iterable) else [found]
    checked = [_checked(item) for item in items]  # all of them, before the first is made
    return [cls(*args, **kwargs) for cls, args, kwargs in checked]


def _checked(item: Any) -> tuple[type[AgentBase], list[Any], dict[str, Any]]:
    if not isinstance(item, Mapping) or not isinstance(item.get("class"), str):
        raise UsageError('an agent configuration is {"class": "DialogAgent", "args": {"name": …}}')
    args, kwargs = item.get("args", {}), item.get("kwargs", {})
    if not isinstance(args, Mapping | list | tuple) or not isinstance(kwargs, Mapping):
        raise UsageError(f"the agent configuration of a {item['class']}: args must be a dictionary or a list")
    if isinstance(args, Mapping):
        return AgentBase.get_agent_class(item["class"]), [], {**args, **kwargs}
    return AgentBase.get_agent_class(item["class"]), list(args), dict(kwargs)
