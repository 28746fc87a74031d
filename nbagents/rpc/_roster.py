"""`Roster`: the agents of a server by their ids, and by their names as well."""

from __future__ import annotations

from typing import Any

from ._hosted import Hosted

__all__ = ["Roster"]


class Roster(dict[str, Hosted]):
    """A dictionary by ids that is only set and popped one by one. On the loop only."""

    def __init__(self) -> None:
        super().__init__()
        self._by_name: dict[str, dict[str, Hosted]] = {}

    def __setitem__(self, agent_id: str, hosted: Hosted) -> None:
        self.pop(agent_id, None)
        super().__setitem__(agent_id, hosted)
        self._by_name.setdefault(hosted.name, {})[agent_id] = hosted

    def pop(self, agent_id: str, default: Any = None) -> Any:
        """Take an agent out and return it, or ``default`` if there is none."""
        hosted = super().pop(agent_id, None)
        if hosted is None:
            return default
        alike = self._by_name[hosted.name]
        del alike[agent_id]
        if not alike:
            del self._by_name[hosted.name]
        return hosted

    def named(self, name: str) -> list[Hosted]:
        """Return the agents that were made under this name, in whatever workspaces."""
        return list(self._by_name.get(name, {}).values())
