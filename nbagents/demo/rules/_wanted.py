"""A JSON schema that stands in a request, as people write it who have no other way to ask for a form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["lift_schema"]

_SCHEMA = re.compile(r"(?:[^.\n]*\b)?JSON schema\b[^\n{]{0,80}\n?\s*(?=\{)", re.IGNORECASE)
LONGEST = 20_000
"""Characters of a request that are looked at."""


def lift_schema(
    messages: Sequence[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], Mapping[str, Any] | None]:
    r"""Take the schema out of the newest message, if one stands there; return the messages and the schema.

    >>> lift_schema([{"role": "user", "content": 'Who?\n\nAnswer in this JSON schema: {"type": "string"}'}])
    ([{'role': 'user', 'content': 'Who?'}], {'type': 'string'})
    """
    kept = list(messages)
    text = kept[-1].get("content") if kept else None
    if not isinstance(text, str) or len(text) > LONGEST:
        return kept, None
    for found in _SCHEMA.finditer(text):
        try:
            schema, end = json.JSONDecoder().raw_decode(text, found.end())
        except (ValueError, RecursionError):
            continue
        if isinstance(schema, dict):
            left = f"{text[: found.start()].rstrip()}\n{text[end:].lstrip()}".strip()
            return [*kept[:-1], *([{**kept[-1], "content": left}] if left else [])], schema
    return kept, None
