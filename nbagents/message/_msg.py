"""`Msg`: what agents say to each other."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._ids import new_id
from ..exceptions import UsageError
from ._blocks import is_block

__all__ = ["FIELDS", "MODULES", "MUTED", "ROLES", "Msg", "is_muted", "last_edit"]

ROLES = ("system", "user", "assistant")
FIELDS = ("id", "name", "content", "role", "url", "metadata", "timestamp")
MODULES = frozenset({"nbagents.message", "agentscope.message", "agentscope.message.msg"})
"""The spellings of ``__module__`` that mean our own `Msg`; any other is refused."""

MUTED = "muted"
"""The key in ``metadata`` under which a person has kept a message from the model."""

_KEYS = frozenset({"__module__", "__name__", *FIELDS})
_MISSING = object()
_last_edit = 0
_edit_lock = threading.Lock()


def last_edit() -> int:
    """Return the number of the last change of a message of this process since it was made. Any thread."""
    return _last_edit


class Msg:
    """One message: who says what, in which role.

    ``role`` is "system", "user" or "assistant"; left out, it is "user" for a sender called user
    (in any case of letters) and "assistant" for everybody else. Further keywords go into
    ``metadata``, with one warning. ``echo=True`` prints the message.

    Messages compare by identity, and a hub gives every listener the same object. ``msg["content"]``,
    ``msg.get(...)``, ``"url" in msg`` and ``dict(msg)`` work, though it is not a dictionary. What
    ``metadata``, or a content that is a dictionary, holds besides can be read like a field:
    ``msg["vote"]``, ``msg.vote``.

    >>> m = Msg("poet", "Grey beads on the glass")
    >>> m.role, m["content"]
    ('assistant', 'Grey beads on the glass')
    """

    _parsed: Any = None
    _edit = 0
    """The number of its last change since it was made; what it holds may be changed without that."""

    def __init__(
        self,
        name: str,
        content: Any,
        role: str | None = None,
        url: str | list[str] | None = None,
        metadata: dict[str, Any] | str | None = None,
        echo: bool = False,
        **kwargs: Any,
    ) -> None:
        self._id = new_id()
        self._timestamp = time.strftime("%Y-%m-%d %H:%M:%S")
        self._name = name
        self._url = url
        self._metadata: dict[str, Any] | str | None = metadata
        self.role = role if role is not None else ("user" if str(name).lower() == "user" else "assistant")
        self._take(content, 3)
        if kwargs:
            names = ", ".join(sorted(kwargs))
            warnings.warn(f"Msg takes no field {names}; put into metadata", UserWarning, stacklevel=2)
            if metadata is not None and not isinstance(metadata, dict):
                kwargs = {"metadata": metadata, **kwargs}
            self._metadata = {**(metadata if isinstance(metadata, dict) else {}), **kwargs}
        if echo:
            sys.stdout.write(self.formatted_str() + "\n")

    @property
    def id(self) -> str:
        """The identity of the message: 32 hexadecimal digits."""
        return self._id

    @id.setter
    def id(self, value: str) -> None:
        self._id = value
        self._edited()

    @property
    def name(self) -> str:
        """Who sends it."""
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._name = value
        self._edited()

    @property
    def content(self) -> Any:
        """What is said: a text, a list of content blocks, or anything that JSON can hold."""
        return self._content

    @content.setter
    def content(self, value: Any) -> None:
        self._take(value, 3)
        self._edited()

    def _take(self, value: Any, stacklevel: int) -> None:
        if not isinstance(value, str):
            try:
                json.dumps(value)
            except (TypeError, ValueError):
                warnings.warn(
                    f"the content of a message from {self._name!r} ({type(value).__name__}) cannot be written"
                    " as JSON; it stays in this process",
                    UserWarning,
                    stacklevel=stacklevel,
                )
        self._content = value

    @property
    def role(self) -> str:
        """The sender's role: "system", "user" or "assistant"."""
        return self._role

    @role.setter
    def role(self, value: str) -> None:
        if value not in ROLES:
            raise UsageError(f"Invalid role {value}. The role must be one of {list(ROLES)}")
        if "_role" in self.__dict__:
            self._edited()
        self._role = value

    @property
    def url(self) -> str | list[str] | None:
        """Where pictures, sounds or files that belong to it are."""
        return self._url

    @url.setter
    def url(self, value: str | list[str] | None) -> None:
        self._url = value
        self._edited()

    @property
    def metadata(self) -> dict[str, Any] | str | None:
        """What else is known of it."""
        return self._metadata

    @metadata.setter
    def metadata(self, value: dict[str, Any] | str | None) -> None:
        self._metadata = value
        self._edited()

    @property
    def parsed(self) -> Any:
        """What was made of a content that was asked for in a shape; None where none was.

        An instance of the class that was asked for, in the process that asked; elsewhere plain data.
        """
        metadata = self.metadata
        known = metadata.get("parsed") if isinstance(metadata, dict) else None
        return known if self._parsed is None else self._parsed

    @property
    def timestamp(self) -> str:
        """When it was made, local time, ``YYYY-MM-DD HH:MM:SS``."""
        return self._timestamp

    @timestamp.setter
    def timestamp(self, value: str) -> None:
        self._timestamp = value
        self._edited()

    def _edited(self) -> None:
        global _last_edit
        with _edit_lock:
            _last_edit += 1
            self._edit = _last_edit

    # ---- content blocks

    def get_content_blocks(self, block_type: str | Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return the blocks of the content, all of them or those of a type or of several types.

        A text is one text block. What is no block, in a content of another kind, is left out.

        >>> Msg("poet", "Grey beads").get_content_blocks("text")
        [{'type': 'text', 'text': 'Grey beads'}]
        """
        content = self.content
        if isinstance(content, str):
            blocks: list[dict[str, Any]] = [{"type": "text", "text": content}]
        elif isinstance(content, (list, tuple)):
            blocks = [item for item in content if is_block(item)]
        else:
            blocks = []
        if block_type is None:
            return blocks
        wanted = {block_type} if isinstance(block_type, str) else set(block_type)
        return [block for block in blocks if block["type"] in wanted]

    def has_content_blocks(self, block_type: str | Sequence[str] | None = None) -> bool:
        """Is there such a block in the content?"""
        return bool(self.get_content_blocks(block_type))

    def get_text_content(self, separator: str = "\n") -> str | None:
        """Return the text of the content, that of its text blocks joined; None if there is none.

        >>> blocks = [{"type": "text", "text": "Grey"}, {"type": "text", "text": "beads"}]
        >>> Msg("poet", blocks).get_text_content(" ")
        'Grey beads'
        """
        texts = [str(block["text"]) for block in self.get_content_blocks("text")]
        return separator.join(texts) if texts else None

    def formatted_str(self, colored: bool = False) -> str:
        """Return ``name: content`` and a line for each url; of content blocks the text.

        Of a url that holds the file itself only the beginning is shown.

        With ``colored`` the name is in a terminal colour that depends on the name alone.
        """
        name = self.name
        if colored:
            digest = int(hashlib.sha256(name.encode()).hexdigest(), 16)
            name = f"\033[9{digest % 8}m{name}\033[0m"
        said = self.get_text_content() if self.has_content_blocks("text") else self.content
        urls = [self.url] if isinstance(self.url, str) else self.url or []
        return "\n".join([f"{name}: {said}", *(f"{name}: {_shown(str(url))}" for url in urls)])

    def to_dict(self) -> dict[str, Any]:
        """Return the message as a dictionary that `from_dict` takes back."""
        head = {"__module__": "nbagents.message", "__name__": "Msg"}
        return head | {field: getattr(self, field) for field in FIELDS}

    @classmethod
    def from_dict(cls, serialized_dict: Mapping[str, Any]) -> Msg:
        """Make a message from `to_dict`'s dictionary, which stays as it is.

        AgentScope's spellings of ``__module__`` are taken too. Nothing is imported.

        Raises:
            UsageError: a key is missing or unknown, or it is not a message at all.
        """
        kind = (serialized_dict.get("__module__"), serialized_dict.get("__name__"))
        if not isinstance(kind[0], str) or kind[0] not in MODULES or kind[1] != "Msg":
            raise UsageError(f"not a message: {kind[0]}.{kind[1]}")
        if serialized_dict.keys() != _KEYS:
            odd = ", ".join(sorted(serialized_dict.keys() ^ _KEYS))
            raise UsageError(f"a message has the fields {', '.join(FIELDS)}; missing or unknown: {odd}")
        name, role = serialized_dict["name"], serialized_dict["role"]
        if cls is Msg and role in ROLES:  # what `__init__` does, but for an id and a time of its own
            message = cls.__new__(cls)
            message._id, message._timestamp = serialized_dict["id"], serialized_dict["timestamp"]
            message._name, message._url = name, serialized_dict["url"]
            message._metadata, message._role = serialized_dict["metadata"], role
            message._take(serialized_dict["content"], 3)
            return message
        message = cls(name, serialized_dict["content"], role)
        message._id, message._timestamp = serialized_dict["id"], serialized_dict["timestamp"]
        message._url, message._metadata = serialized_dict["url"], serialized_dict["metadata"]
        return message

    def keys(self) -> tuple[str, ...]:
        """Return the names of the fields."""
        return FIELDS

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field, else what ``metadata`` or the content holds under that key, else ``default``."""
        if key in FIELDS:
            return getattr(self, key)
        for held in (self.metadata, self.content):
            if isinstance(held, dict) and key in held:
                return held[key]
        return default

    def __getitem__(self, key: str) -> Any:
        """Return a field, or what ``metadata`` or the content holds under that key."""
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    if not TYPE_CHECKING:  # a type checker would take any name for one

        def __getattr__(self, name: str) -> Any:
            """Return what ``metadata`` or the content holds under that name, as in AgentScope 0.0.1."""
            if name[:1] == "_" or hasattr(type(self), name):
                return object.__getattribute__(self, name)  # raises what was raised before
            value = self.get(name, _MISSING)
            if value is _MISSING:
                raise AttributeError(
                    f"the message from {self._name!r} has no {name!r}, in its metadata neither",
                    name=name,
                    obj=self,
                )
            return value

    def __contains__(self, key: object) -> bool:
        """Is there a field of that name, or an entry of ``metadata`` or of the content?"""
        return isinstance(key, str) and self.get(key, _MISSING) is not _MISSING

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the fields."""
        return iter(FIELDS)

    def __repr__(self) -> str:
        text = repr(self._content)
        shown = text if len(text) <= 200 else text[:197] + "..."
        return f"Msg(name={self._name!r}, content={shown}, role={self._role!r})"


def _shown(url: str) -> str:
    return f"{url[:40]}… ({len(url):,} characters)" if url.startswith("data:") and len(url) > 100 else url


def is_muted(message: Msg) -> bool:
    """Has a person kept this message from the model?"""
    metadata = message.metadata
    return isinstance(metadata, dict) and metadata.get(MUTED) is True
