"""`msghub`: agents that hear each other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from .agents import AgentBase, scheduler
from .message import Msg

__all__ = ["MsgHubManager", "msghub"]


class MsgHubManager:
    """A group in which everyone observes what any other says. Use as ``with`` or ``async with``.

    Entering, ``add``, ``delete`` and ``broadcast`` take their place in the program's order and do
    not wait; what is read afterwards (a memory, a message) is complete. Leaving does not wait either.
    ``participants`` is the caller's own list where it is a list.
    """

    def __init__(
        self, participants: Sequence[AgentBase], announcement: Msg | Sequence[Msg] | None = None
    ) -> None:
        self.participants = participants if isinstance(participants, list) else list(participants)
        self.announcement = announcement

    def __enter__(self) -> MsgHubManager:
        self._connect()
        if self.announcement is not None:
            self.broadcast(self.announcement)
        return self

    def __exit__(self, *exc: object) -> None:
        self._connect(audience=False)

    async def __aenter__(self) -> MsgHubManager:
        return self.__enter__()

    async def __aexit__(self, *exc: object) -> None:
        self.__exit__(*exc)

    def broadcast(self, msg: Msg | Sequence[Msg]) -> None:
        """Let all participants observe a message, its speaker included."""
        scheduler().broadcast(msg, self.participants)

    def add(self, new_participant: AgentBase | Sequence[AgentBase]) -> None:
        """Let agents join; one that is in already is warned about."""
        for agent in _listed(new_participant):
            if agent in self.participants:
                warnings.warn(f"{agent.name} is in the hub already", UserWarning, stacklevel=2)
            else:
                self.participants.append(agent)
        self._connect()

    def delete(self, participant: AgentBase | Sequence[AgentBase]) -> None:
        """Let agents leave; one that is not in is warned about, with who is."""
        gone = []
        for agent in _listed(participant):
            if agent in self.participants:
                self.participants.remove(agent)
                gone.append(agent)
            else:
                names = ", ".join(a.name for a in self.participants)
                text = f"agent {agent.name!r} is not in this hub; participants are: {names}"
                warnings.warn(text, UserWarning, stacklevel=2)
        self._connect(gone=gone)

    def _connect(self, *, audience: bool = True, gone: Sequence[AgentBase] = ()) -> None:
        path = scheduler().next_path()
        for agent in self.participants:
            others = tuple(a for a in self.participants if a is not agent) if audience else ()
            agent._hear(path, others)
        for agent in gone:
            agent._hear(path, ())


def _listed(agents: Any) -> list[AgentBase]:
    return list(agents) if isinstance(agents, (list, tuple)) else [agents]


def msghub(
    participants: Sequence[AgentBase], announcement: Msg | Sequence[Msg] | None = None
) -> MsgHubManager:
    """Open a hub: inside the ``with``, what any participant says is observed by all the others.

    ``announcement``, a message or several, is observed by everyone first.

    >>> class Echo(AgentBase):
    ...     async def reply(self, x=None):
    ...         return Msg(self.name, f"{self.name} heard {self.memory.size()}")
    >>> alice, bob = Echo("alice"), Echo("bob")
    >>> with msghub([alice, bob], announcement=Msg("host", "hello")):
    ...     first, second = alice(), bob()
    >>> second.content
    'bob heard 2'
    """
    return MsgHubManager(participants, announcement)
