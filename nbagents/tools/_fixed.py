"""What a tool is given at each call besides what a model gives: as a person may see it, and its hash."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..config import Secret, redact, wrap_secrets
from ._tool import Tool, names_a_key

__all__ = ["fixed_of", "identity"]

LONGEST = 500
"""Characters of one value that are shown."""
DATABASES = ("sqlite", "postgresql", "mysql", "mariadb")
"""Whose addresses are shown without what may be secret in them."""


def fixed_of(tool: Tool) -> tuple[tuple[str, str], ...]:
    """Return the names of what is preset and the values, visible and in one line; secrets are left out."""
    from ..render import visible_json, visible_text  # here, since importing tools is quick

    found = []
    for name, value in _given(tool).items():
        if isinstance(value, Secret) or (isinstance(value, str) and names_a_key(name)):
            address = _database(Secret(value).reveal())
            if address:
                found.append(("database", visible_json(redact(address))))
            continue
        try:
            plain = json.loads(json.dumps(wrap_secrets({name: value})[name], default=_named))
            text = visible_json(plain)
        except (TypeError, ValueError, RecursionError):
            text = visible_json(_named(value))
        text = redact(text, *tool.secrets)
        more = f"… ({len(text)} characters)" if len(text) > LONGEST else ""
        found.append((visible_text(name), text[:LONGEST] + more))
    return tuple(found)


def identity(tool: Tool) -> str:
    """Return the hash of all that a yes to a tool depends on: what it is said to be, and is given each time.

    What is no plain data counts as the same while it is the same object.
    """
    try:
        given = json.dumps(_given(tool), default=_marked, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        given = repr({name: id(value) for name, value in _given(tool).items()})
    parts = [tool.name, tool.pin, sorted(tool.effects), tool.declared, tool.origin, tool.told_as, given]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _given(tool: Tool) -> dict[str, Any]:
    """Return what is preset, and what a partial function gives by place, where that has no name."""
    function = tool.function
    placed = function.args if isinstance(function, functools.partial) else ()
    return {**{f"#{place}": value for place, value in enumerate(placed, 1)}, **tool.preset_kwargs}


def _database(address: str) -> str:
    """Return the address of a database without its user, password and options; "" for all else."""
    try:
        parts = urlsplit(address)
        if parts.scheme.partition("+")[0] not in DATABASES:
            return ""
        where = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return ""
    return (
        urlunsplit((parts.scheme, where, parts.path, "", "")) if where else f"{parts.scheme}://{parts.path}"
    )


def _named(value: Any) -> Any:
    """Return what is shown for what is no plain data; its own words might hold a key."""
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Enum):
        return str(value.name)
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, Mapping):
        return dict(value)
    return f"<{getattr(value, '__name__', type(value).__name__)}>"


def _marked(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    return str(value) if isinstance(value, PurePath) else f"{type(value).__qualname__} {id(value)}"
