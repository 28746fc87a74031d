"""`Revisions`: what a person changes in a memory, and takes back."""

from __future__ import annotations

from typing import Any

from ..exceptions import UsageError
from ..message import MUTED, Msg, is_muted

__all__ = ["Revisions"]

UNDO = 50
"""How many changes by a person can be taken back."""


class Revisions:
    """A list of messages that a person can change. Messages are named by their ids."""

    def __init__(self) -> None:
        self._messages: list[Msg] = []
        self._ids: set[str] = set()
        # A list, since an empty deque takes 760 bytes, and there may be a million memories.
        self._before: list[tuple[list[Msg], set[str]]] = []

    def edit(self, message_id: str, content: Any) -> None:
        """Remember other words instead; whoever else heard the message keeps what was said.

        Raises:
            UsageError: no message of that id is remembered. So do the next ones.
        """
        place = self._place(message_id)
        self._revise(place, _copy(self._messages[place], content=content))

    def mute(self, message_id: str, *, muted: bool = True) -> None:
        """Keep a message from the model, or show it to the model again; it stays in its place.

        >>> from nbagents.memory import TemporaryMemory
        >>> memory = TemporaryMemory()
        >>> memory.add(note := Msg("critic", "Too long!"))
        >>> memory.mute(note.id)
        >>> is_muted(memory.get_memory()[0]), is_muted(note)
        (True, False)
        """
        place = self._place(message_id)
        message = self._messages[place]
        if is_muted(message) != muted:
            self._revise(place, _copy(message, metadata=_muting(message.metadata, muted)))

    def forget(self, message_id: str) -> None:
        """Forget one message."""
        place = self._place(message_id)
        self._change([*self._messages[:place], *self._messages[place + 1 :]])

    def rewind(self, message_id: str, *, before: bool = False) -> None:
        """Forget what came after this message; ``before`` forgets the message too."""
        self._change(self._messages[: self._place(message_id) + (not before)])

    def empty(self) -> None:
        """Forget everything, which can be taken back, unlike `clear`."""
        self._change([])

    @property
    def can_undo(self) -> bool:
        """Is there a change that can be taken back?"""
        return bool(self._before)

    def undo(self) -> bool:
        """Take the last of these changes back; what was said since is kept. False if there is none."""
        if not self._before:
            return False
        earlier, changed = self._before.pop()
        since = [message for message in self._messages if message.id not in changed]
        self._replace([*earlier, *since])
        return True

    def _place(self, message_id: str) -> int:
        for place, message in enumerate(self._messages):
            if message.id == message_id:
                return place
        raise UsageError(f"no message {message_id[:40]!r} is remembered here; it may have been forgotten")

    def _revise(self, place: int, message: Msg) -> None:
        self._change([*self._messages[:place], message, *self._messages[place + 1 :]])

    def _change(self, messages: list[Msg]) -> None:
        self._before.append((self._messages, {message.id for message in self._messages}))
        del self._before[:-UNDO]
        self._replace(messages)

    # As long as messages are only added the list stays the same object: whoever keeps a copy of the
    # memory elsewhere compares that and the length.
    def _replace(self, messages: list[Msg]) -> None:
        self._messages = messages
        self._ids = {m.id for m in messages}


def _copy(message: Msg, **changes: Any) -> Msg:
    """Return a message like this one, of the same id: others may hold the same object."""
    return Msg.from_dict(message.to_dict() | changes)


def _muting(metadata: Any, muted: bool) -> dict[str, Any] | None:
    known = metadata if isinstance(metadata, dict) else {} if metadata is None else {"metadata": metadata}
    if muted:
        return known | {MUTED: True}
    return {key: value for key, value in known.items() if key != MUTED} or None
