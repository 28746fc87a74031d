"""`msghub`: agents that hear each other."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from .agents import AgentBase, scheduler
from .exceptions import UsageError
from .message import Msg, PlaceholderMessage

__all__ = ["MsgHub", "MsgHubManager", "msghub"]


class MsgHub:
    """A group in which everyone observes what any other says. Use as ``with`` or ``async with``.

    Entering, ``add``, ``delete`` and ``broadcast`` take their place in the program's order and do
    not wait; what is read afterwards (a memory, a message) is complete. Leaving does not wait either.
    ``participants`` is the caller's own list where it is a list. An agent may be in several hubs at
    a time, one inside another or not: all of them hear it, and leaving one leaves the others alone.

    ``announcement``, a message or several, is observed by everyone first. Without
    ``enable_auto_broadcast`` nobody hears anybody until `set_auto_broadcast`; `broadcast` works always.

    >>> class Echo(AgentBase):
    ...     async def reply(self, x=None):
    ...         return f"{self.name} heard {self.memory.size()}"
    >>> alice, bob, carol = Echo("alice"), Echo("bob"), Echo("carol")
    >>> with MsgHub([alice, bob, carol], name="everyone") as hub:
    ...     first = alice()
    ...     hub.set_auto_broadcast(False)
    ...     unheard = bob()
    >>> hub, carol().content
    (<MsgHub everyone: alice, bob, carol>, 'carol heard 1')

    Raises:
        UsageError: a participant is no agent, or what is announced no message.
    """

    def __init__(
        self,
        participants: Sequence[AgentBase],
        announcement: Msg | Sequence[Msg] | None = None,
        enable_auto_broadcast: bool = True,
        name: str | None = None,
    ) -> None:
        several = _agents(participants)
        self.participants = participants if isinstance(participants, list) else several
        self.announcement = None if announcement is None else _messages(announcement)
        self.enable_auto_broadcast = enable_auto_broadcast
        self.name = name
        self._is_open = False

    def __enter__(self) -> MsgHub:
        self._is_open = True
        self._connect()
        if self.announcement is not None:
            self.broadcast(self.announcement)
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_open = False
        self._connect()

    async def __aenter__(self) -> MsgHub:
        return self.__enter__()

    async def __aexit__(self, *exc: object) -> None:
        self.__exit__(*exc)

    def broadcast(self, msg: Msg | Sequence[Msg]) -> PlaceholderMessage:
        """Let all participants observe a message, its speaker included.

        Nobody has to wait for it; what is returned can be awaited, and is there when all have heard.

        Raises:
            UsageError: it is neither a message nor a list of them.
        """
        return scheduler().broadcast(_messages(msg), self.participants)

    def add(self, new_participant: AgentBase | Sequence[AgentBase]) -> None:
        """Let agents join; one that is in already is warned about.

        Raises:
            UsageError: one is no agent; then none joins.
        """
        for agent in _agents(new_participant):
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

    def set_auto_broadcast(self, enable: bool) -> None:
        """From now on the participants hear each other, or no longer do."""
        self.enable_auto_broadcast = enable
        self._connect()

    def _connect(self, *, gone: Sequence[AgentBase] = ()) -> None:
        path = scheduler().next_path()
        listeners = tuple(self.participants) if self._is_open and self.enable_auto_broadcast else ()
        for agent in self.participants:
            agent._hear(path, listeners, hub=self)
        for agent in gone:
            agent._hear(path, (), hub=self)

    def __repr__(self) -> str:
        names = ", ".join(agent._name for agent in self.participants)
        return f"<MsgHub {f'{self.name}: ' if self.name else ''}{names}>"


MsgHubManager = MsgHub
"""Its name in AgentScope 0.x."""


def _listed(agents: Any) -> list[AgentBase]:
    return list(agents) if isinstance(agents, Iterable) else [agents]


def _agents(given: Any) -> list[AgentBase]:
    several = _listed(given)
    for one in several:
        if not isinstance(one, AgentBase):
            raise UsageError(f"agents take part in a hub, and {one!r:.80} is a {type(one).__name__}")
    return several


def _messages(given: Any) -> Msg | Sequence[Msg]:
    several = given if isinstance(given, (list, tuple)) else [given]
    for one in several:
        if not isinstance(one, Msg):
            raise UsageError(
                f"a hub tells its participants messages, and {one!r:.80} is a {type(one).__name__}",
                hint='Msg("host", "hello")',
            )
    return given  # type: ignore[no-any-return]


def msghub(
    participants: Sequence[AgentBase],
    announcement: Msg | Sequence[Msg] | None = None,
    enable_auto_broadcast: bool = True,
    name: str | None = None,
) -> MsgHub:
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
    return MsgHub(participants, announcement, enable_auto_broadcast, name)
