"""`hint_text`: an example of what is asked for, as the model is shown it."""

from __future__ import annotations

import json
from typing import Any

from .._fitting import is_model_class

__all__ = ["hint_text", "plain_hint"]


def hint_text(hint: Any, default: str) -> str:
    """Return a text as it is, other plain data as JSON, a pydantic class as an object with its fields.

    >>> hint_text({"speak": "what you say"}, "")
    '{"speak": "what you say"}'
    """
    if hint is None:
        return default
    if isinstance(hint, str):
        return hint
    return json.dumps(plain_hint(hint), ensure_ascii=False, default=str)


def plain_hint(hint: Any) -> Any:
    """Return a hint as it is, of a pydantic class a dictionary of its fields."""
    if not is_model_class(hint):
        return hint
    fields = hint.model_json_schema().get("properties", {})
    return {name: one.get("description") or one.get("type", "...") for name, one in fields.items()}
