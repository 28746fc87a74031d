"""What services keep: plain data as JSON text, and messages among it. Nothing but data is ever made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._ids import check_id, new_id
from ..exceptions import UsageError
from ..message import Msg
from ..store import read_text, write_text

__all__ = ["DEFAULT", "message_of", "object_of", "owner", "session_or_new", "text_of", "text_of_message"]

DEFAULT = "default"
"""The session of those who name none."""
DEEPEST = 100
LARGEST = 64 << 20
"""Characters of one state, or one message."""


def owner(user_id: str, session_id: str | None) -> tuple[str, str]:
    """Return whose it is, both ids checked.

    Raises:
        UsageError: one of them is no id.
    """
    session = DEFAULT if session_id is None else session_id
    return check_id(user_id, "the user_id"), check_id(session, "the session_id")


def session_or_new(session_id: str | None) -> str:
    """Return the id of a session, without blanks around it; a new one for None or blanks.

    Raises:
        UsageError: it is no id.
    """
    given = session_id.strip() if isinstance(session_id, str) else session_id
    return check_id(given, "the session_id") if given not in (None, "") else new_id()


def text_of(value: Any, what: str) -> str:
    """Return plain data as JSON text.

    Raises:
        UsageError: JSON cannot hold it, or would not give it back as it was.
    """
    try:
        _check(value, 0)
        text = write_text(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{what} holds what JSON cannot: {str(error)[:200]}") from None
    if len(text) > LARGEST:
        raise UsageError(f"{what} is too large: {len(text):,} characters of JSON, of at most {LARGEST:,}")
    return text


def object_of(text: object) -> dict[str, Any]:
    """Return the object that such a text holds.

    Raises:
        ValueError: it is no text, no JSON, or no object.
    """
    value = read_text(text)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


def text_of_message(message: Any) -> str:
    """Return a message, or a plain dictionary that stands for one, as JSON text.

    Raises:
        UsageError: it is neither, or JSON cannot hold it.
    """
    if isinstance(message, Msg):
        what = f"the message {message.id} from {message.name!r}"
        return text_of(message.to_dict(), what)
    if not isinstance(message, Mapping):
        raise UsageError(f"a session holds messages and dictionaries, not {type(message).__name__}")
    if "__module__" in message:
        Msg.from_dict(message)  # so that it can be read again
    return text_of(dict(message), "the message")


def message_of(text: object) -> Msg | dict[str, Any]:
    """Return what `text_of_message` was given.

    Raises:
        ValueError: it is nothing of that kind.
    """
    fields = object_of(text)
    return Msg.from_dict(fields) if "__module__" in fields else fields


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"it is nested deeper than {DEEPEST}")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):  # JSON would make a text of it
                raise ValueError(f"the key {key!r:.60}, which is no text")
            _check(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, depth + 1)
