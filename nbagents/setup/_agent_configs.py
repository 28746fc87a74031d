"""Agents from configurations: ``{"class": "DialogAgent", "args": {"name": …}}``; nothing is imported."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import agents as known_agents
from ..agents import AgentBase
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
    found = _read(given) if isinstance(given, str | os.PathLike) else given
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
        return _class_named(item["class"]), [], {**args, **kwargs}
    return _class_named(item["class"]), list(args), dict(kwargs)


def _class_named(name: str) -> type[AgentBase]:
    classes = {cls.__name__: cls for cls in _subclasses(AgentBase)}  # of one name, the newest
    for public in known_agents.__all__:
        value = getattr(known_agents, public)
        if isinstance(value, type) and issubclass(value, AgentBase):
            classes[public] = value
    if name in classes:
        return classes[name]
    close = difflib.get_close_matches(name, classes, 1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise UsageError(f"there is no agent class {name!r}.{guess} Define or import it before init")


def _subclasses(cls: type[AgentBase]) -> Iterator[type[AgentBase]]:
    for each in cls.__subclasses__():
        yield each
        yield from _subclasses(each)


def _read(path: str | os.PathLike[str]) -> Any:
    try:
        return json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot read {path}: {error.strerror or error}"
    except json.JSONDecodeError as error:
        problem = f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        problem = f"{path} is not UTF-8 text"
    raise UsageError(f"agent configurations: {problem}")
