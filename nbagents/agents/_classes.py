"""`Classes`: the part of `AgentBase` that knows agent classes by name. Nothing is imported by a name."""

from __future__ import annotations

import weakref
from typing import Any

from .._ids import new_id
from ..exceptions import UsageError

__all__ = ["Classes"]

_known: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()
_registered: dict[str, type] = {}


class Classes:
    """What AgentScope 0.x keeps as the registry of agent classes: here it keeps itself."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        before = _known.get(cls.__name__)
        if before is None or _is_ours(cls) or not _is_ours(before):
            _known[cls.__name__] = cls

    @classmethod
    def get_agent_class(cls, agent_class_name: str) -> type[Any]:
        """Return the class of that name: one of ours, else the one that was defined last.

        >>> from nbagents.agents import AgentBase
        >>> AgentBase.get_agent_class("DialogAgent").__name__
        'DialogAgent'

        Raises:
            UsageError: this program has defined or imported none.
        """
        found = _registered.get(agent_class_name) or _known.get(agent_class_name)
        if found is not None:
            return found
        import difflib

        close = difflib.get_close_matches(agent_class_name, {*_known, *_registered}, 1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(f"there is no agent class {agent_class_name!r}.{guess} Define or import it before")

    @classmethod
    def register_agent_class(cls, agent_class: type[Any]) -> bool:
        """Have this class meant by its name, also where it is that of one of ours; return True.

        Mostly there is no need to: a class is known once it is defined.

        Raises:
            UsageError: it is no agent class.
        """
        if not (isinstance(agent_class, type) and issubclass(agent_class, Classes)):
            raise UsageError(f"an agent class is a subclass of AgentBase, not {agent_class!r:.80}")
        _registered[agent_class.__name__] = agent_class
        return True

    @classmethod
    def generate_agent_id(cls) -> str:
        """Return an id that no other agent has: 32 hexadecimal digits."""
        return new_id()


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith("nbagents.")
