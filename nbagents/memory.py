"""`TemporaryMemory`: the messages that an agent remembers, in this process."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .exceptions import UsageError
from .message import MUTED, Msg, PlaceholderMessage, is_muted

__all__ = ["TemporaryMemory"]

log = logging.getLogger(__name__)
UNDO = 50
"""How many changes by a person can be taken back."""


class TemporaryMemory:
    """A list of messages. Holds arrived messages only, each once, in the order in which they came.

    >>> memory = TemporaryMemory()
    >>> memory.add(Msg("user", "hi"))
    >>> memory.size(), memory.get_memory()[0].content
    (1, 'hi')
    """

    def __init__(self) -> None:
        self._messages: list[Msg] = []
        self._ids: set[str] = set()
        self._before: deque[tuple[list[Msg], set[str]]] = deque(maxlen=UNDO)

    def add(self, memories: Msg | Iterable[Msg] | None, embed: bool = False) -> None:
        """Add one message or several; None adds nothing, and a message that is there already stays once.

        A placeholder is read first: in `async` code await it before. ``embed`` is taken for the sake
        of old code and changes nothing.

        Raises:
            ValueError: something is not a message; then nothing is added.
        """
        for message in (memories,) if type(memories) is Msg else _messages(memories):
            if message.id not in self._ids:
                self._ids.add(message.id)
                self._messages.append(message)

    def get_memory(
        self, recent_n: int | None = None, filter_func: Callable[[int, Msg], bool] | None = None
    ) -> list[Msg]:
        """Return the last ``recent_n`` messages, all by default, that pass ``filter_func(index, msg)``."""
        start = 0 if recent_n is None else max(0, len(self._messages) - recent_n)
        kept = self._messages[start:]
        if filter_func is not None:
            kept = [message for index, message in enumerate(kept) if filter_func(index, message)]
        return kept

    def delete(self, index: int | Iterable[int]) -> None:
        """Forget the messages at these places; a place that does not exist is logged and skipped."""
        wanted = {index} if isinstance(index, int) else set(index)
        bad = sorted(i for i in wanted if not 0 <= i < len(self._messages))
        if bad:
            log.warning("Skip delete operation for the invalid index %s", bad)
        self._replace([m for i, m in enumerate(self._messages) if i not in wanted])

    def clear(self) -> None:
        """Forget everything."""
        self._replace([])

    # ---- changed by a person, who names messages by their ids and can take each change back

    def edit(self, message_id: str, content: Any) -> None:
        """Remember other words instead; whoever else heard the message keeps what was said.

        Raises:
            UsageError: no message of that id is remembered. So do the next ones.
        """
        place = self._place(message_id)
        self._revise(place, _copy(self._messages[place], content=content))

    def mute(self, message_id: str, *, muted: bool = True) -> None:
        """Keep a message from the model, or show it to the model again; it stays in its place.

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
        self._replace(messages)

    def size(self) -> int:
        """Return how many messages there are."""
        return len(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def __bool__(self) -> bool:
        return True  # an empty memory is a memory

    def __iter__(self) -> Iterator[Msg]:
        return iter(list(self._messages))

    def __contains__(self, message: object) -> bool:
        return isinstance(message, Msg) and any(message == known for known in self._messages)

    def export(self, file_path: str | None = None, to_mem: bool = False) -> list[Msg] | None:
        """Write the messages to a JSON file, or with ``to_mem`` return them.

        Raises:
            UsageError: neither was asked for, or a message holds what JSON cannot; nothing is written then.
        """
        if to_mem:
            return list(self._messages)
        if file_path is None:
            raise UsageError("export() takes a file path, or to_mem=True")
        texts = [_to_json(message) for message in self._messages]
        Path(file_path).write_text("[" + ",\n".join(texts) + "]\n", encoding="utf-8")
        return None

    def load(self, memories: str | Msg | Sequence[Msg], overwrite: bool = False) -> None:
        """Take messages from a JSON file, JSON text, a message or a list of them.

        Raises:
            UsageError: it is none of these, or the JSON is not a list of messages; then nothing is changed.
        """
        given = self._from_json(memories) if isinstance(memories, str) else _messages(memories)
        if overwrite:
            self.clear()
        self.add(given)

    @staticmethod
    def _from_json(source: str) -> list[Msg]:
        is_text = source.lstrip()[:1] in ("[", "{")
        try:
            found = json.loads(source if is_text else Path(source).read_text(encoding="utf-8"))
            return [Msg.from_dict(entry) for entry in (found if isinstance(found, list) else [found])]
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            what = "the text" if is_text else source
            raise UsageError(f"cannot load memory from {what}: {error}") from None

    # As long as messages are only added the list stays the same object: whoever keeps a copy of the
    # memory elsewhere compares that and the length.
    def _replace(self, messages: list[Msg]) -> None:
        self._messages = messages
        self._ids = {m.id for m in messages}


def _messages(given: Any) -> list[Msg]:
    """Return the messages in what was given, those that had not arrived once they have."""
    if isinstance(given, PlaceholderMessage):
        given = given.result()
    if given is None:
        return []
    if isinstance(given, Msg):
        return [given]
    if isinstance(given, (str, bytes, dict)) or not isinstance(given, Iterable):
        raise UsageError(f"Cannot add {type(given)} to memory, must be a Msg object.")
    return [message for item in given for message in _messages(item)]


def _copy(message: Msg, **changes: Any) -> Msg:
    """Return a message like this one, of the same id: others may hold the same object."""
    return Msg.from_dict(message.to_dict() | changes)


def _muting(metadata: Any, muted: bool) -> dict[str, Any] | None:
    known = metadata if isinstance(metadata, dict) else {} if metadata is None else {"metadata": metadata}
    if muted:
        return known | {MUTED: True}
    return {key: value for key, value in known.items() if key != MUTED} or None


def _to_json(message: Msg) -> str:
    try:
        return json.dumps(message.to_dict(), ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the message {message.id} from {message.name!r} cannot be exported: {error}"
        ) from None
