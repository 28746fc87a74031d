"""`Shares`: who gets a topic's message, by who serves them, as it is written for each; kept at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._proto import agent_pb2 as pb
from ._routes import Routes

if TYPE_CHECKING:
    from ._desk import Desk

__all__ = ["Share", "Shares"]

MOST_BYTES = 4 * 2**20
"""Of all that is kept at hand; all is found anew beyond that."""
EACH = 500
"""What one topic counts besides."""


@dataclass(frozen=True, slots=True)
class Share:
    """The recipients of a topic's message that one session serves, or the host itself."""

    target: Desk | None
    """Whose they are; None for agents of the host."""
    types: tuple[str, ...]
    recipients: bytes
    """A post that has these recipients and nothing else: merged into another one, they are its."""


class Shares:
    """Finds the shares of each topic. On the loop only."""

    def __init__(self, routes: Routes[Desk]) -> None:
        self._routes = routes
        self._known: dict[tuple[str, str, str], tuple[Share, ...]] = {}
        self._bytes, self._version = 0, routes.version

    def of(self, post: pb.Post) -> tuple[Share, ...]:
        """Return who gets a topic's message, but for the agent that sends it; those of the host first."""
        kind, source = post.topic.type, post.topic.source
        sender = ""
        if post.HasField("sender") and post.sender.key == source:
            sender = post.sender.type
            if sender not in self._routes.wanting(kind):
                sender = ""
        if self._version != self._routes.version:
            self._forget()
        known = self._known.get((kind, source, sender))
        return self._find(kind, source, sender) if known is None else known

    def _find(self, kind: str, source: str, sender: str) -> tuple[Share, ...]:
        types: dict[Desk | None, list[str]] = {}
        for agent_type in self._routes.wanting(kind):
            if agent_type != sender:
                types.setdefault(self._routes.server_of(agent_type, source), []).append(agent_type)
        found = [_share(target, names, source) for target, names in types.items()]
        shares = tuple(sorted(found, key=lambda share: share.target is not None))
        size = len(kind) + len(source) + sum(EACH + 2 * len(share.recipients) for share in shares) + EACH
        if self._bytes + size > MOST_BYTES:
            self._forget()
        if size <= MOST_BYTES:
            self._bytes += size
            self._known[kind, source, sender] = shares
        return shares

    def _forget(self) -> None:
        self._known.clear()
        self._bytes, self._version = 0, self._routes.version


def _share(target: Desk | None, types: list[str], source: str) -> Share:
    post = pb.Post()
    for agent_type in types:
        post.recipients.add(type=agent_type, key=source)
    return Share(target, tuple(types), post.SerializeToString())
