"""`Fields`: what a request over the stream asks for, a JSON object whose every field is looked at."""

from __future__ import annotations

from typing import Any

from ..exceptions import MessageTooLargeError, ProtocolError
from ._json import as_bytes, load
from ._limits import LONGEST_ID, MAX_ASKED

__all__ = ["Fields"]


class Fields:
    """The fields of one request.

    Raises:
        MessageTooLargeError: the request exceeds a mebibyte.
        ProtocolError: it is no JSON object.
    """

    def __init__(self, method: str, text: str) -> None:
        self.method = method
        data = as_bytes(text)
        if len(data) > MAX_ASKED:
            raise MessageTooLargeError(
                f"{method} was asked with {len(data) / 2**20:.1f} MiB; the limit is {MAX_ASKED // 2**20} MiB"
            )
        tree = load(data, f"the body of {method}") if data else {}
        if not isinstance(tree, dict):
            raise ProtocolError(f"the body of {method} is not a JSON object")
        self._tree: dict[str, Any] = tree

    def __contains__(self, name: str) -> bool:
        return self._tree.get(name) is not None

    def id(self, name: str) -> str:
        """Return a field that names something.

        Raises:
            ProtocolError: it is missing or malformed.
        """
        value = self._tree.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or _whole(value) != value:
            raise self._odd(name, f"a text of 1 to {LONGEST_ID} characters")
        return value

    def text(self, name: str, most: int, default: str = "") -> str:
        """Return a text, cut to ``most`` characters; raises as `id` does, but where it is missing."""
        value = self._tree.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._odd(name, "a text")
        return _whole(value if len(value) <= most else value[: most - 1] + "…")

    def table(self, name: str) -> dict[str, Any]:
        """Return a JSON object, an empty one where it is missing; raises as `id` does."""
        value = self._tree.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._odd(name, "an object")
        return value or {}

    def rows(self, name: str, most: int) -> list[list[Any]]:
        """Return a list of at most ``most`` lists, an empty one where it is missing; raises as `id` does."""
        value = self._tree.get(name) or []
        if (
            not isinstance(value, list)
            or len(value) > most
            or not all(isinstance(row, list) for row in value)
        ):
            raise self._odd(name, f"a list of at most {most:,} lists")
        return value

    def flag(self, name: str) -> bool:
        """Return what is true or false, false where it is missing; raises as `id` does."""
        value = self._tree.get(name, False)
        if not isinstance(value, bool):
            raise self._odd(name, "true or false")
        return value

    def count(self, name: str, most: int, default: int | None = None) -> int | None:
        """Return a number from 0 to ``most``; raises as `id` does, but where it is missing."""
        value = self._tree.get(name)
        if value is None:
            return default
        if type(value) is not int or not 0 <= value <= most:
            raise self._odd(name, f"a whole number from 0 to {most}")
        return value

    def _odd(self, name: str, what: str) -> ProtocolError:
        return ProtocolError(f"{self.method} takes {what} as its {name}")


def _whole(text: str) -> str:
    """Return a text as UTF-8 can hold it: without halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode()
