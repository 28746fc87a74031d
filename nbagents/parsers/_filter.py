"""`KeyFilter`: which parts of a dictionary an agent remembers, says, and hands on as metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..exceptions import RequiredFieldNotFoundError, UsageError

__all__ = ["KeyFilter", "Keys", "check_required"]

Keys = bool | str | Sequence[str]
"""True: all of it; False: nothing; a text: the value of that key; several: a dictionary of these."""


class KeyFilter:
    """Filters for what a parser has read, mixed into the parsers of dictionaries.

    >>> found = {"thought": "Why not?", "speak": "Yes", "vote": 1}
    >>> keys = KeyFilter(keys_to_memory=["speak", "vote"], keys_to_content="speak", keys_to_metadata=False)
    >>> keys.to_memory(found), keys.to_content(found), keys.to_metadata(found)
    ({'speak': 'Yes', 'vote': 1}, 'Yes', None)
    """

    names: ClassVar[tuple[str, ...]] = ("keys_to_memory", "keys_to_content", "keys_to_metadata")

    def __init__(self, keys_to_memory: Keys, keys_to_content: Keys, keys_to_metadata: Keys) -> None:
        self.keys_to_memory = _checked("keys_to_memory", keys_to_memory)
        self.keys_to_content = _checked("keys_to_content", keys_to_content)
        self.keys_to_metadata = _checked("keys_to_metadata", keys_to_metadata)

    def to_memory(self, parsed: dict[str, Any], allow_missing: bool = False) -> Any:
        """Return what an agent remembers: all, nothing (None), one value, or some as a dictionary.

        Raises:
            RequiredFieldNotFoundError: a key is not there, unless ``allow_missing``; so do the next ones.
        """
        return _filtered(parsed, self.keys_to_memory, allow_missing)

    def to_content(self, parsed: dict[str, Any], allow_missing: bool = False) -> Any:
        """Return what an agent says, as `to_memory` does."""
        return _filtered(parsed, self.keys_to_content, allow_missing)

    def to_metadata(self, parsed: dict[str, Any], allow_missing: bool = False) -> Any:
        """Return what goes into the ``metadata`` of an agent's message, as `to_memory` does."""
        return _filtered(parsed, self.keys_to_metadata, allow_missing)


def check_required(found: dict[str, Any], keys: Sequence[str], raw: str | None) -> None:
    """Raise RequiredFieldNotFoundError where a dictionary lacks some of these keys."""
    missing = [key for key in keys if key not in found]
    if missing:
        there = ", ".join(repr(str(key)[:60]) for key in list(found)[:20]) or "nothing"
        raise RequiredFieldNotFoundError(
            f"the answer lacks {', '.join(map(repr, missing))}; it holds {there}. Answer again with"
            f" every one of: {', '.join(keys)}",
            raw,
        )


def _filtered(parsed: dict[str, Any], keys: Keys, allow_missing: bool) -> Any:
    if isinstance(keys, bool):
        return parsed if keys else None
    if not allow_missing:
        check_required(parsed, [keys] if isinstance(keys, str) else keys, None)
    if isinstance(keys, str):
        return parsed.get(keys)
    return {key: parsed[key] for key in keys if key in parsed}


def _checked(name: str, keys: Any) -> Keys:
    if isinstance(keys, bool | str):
        return keys
    if isinstance(keys, Sequence) and all(isinstance(key, str) for key in keys):
        return list(keys)
    raise UsageError(f"{name} is True, False, a key or a list of keys, not {keys!r:.60}")
