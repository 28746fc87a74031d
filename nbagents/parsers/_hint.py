"""`hint_text`: an example of what is asked for, as the model is shown it."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["hint_text", "is_model_class"]


def is_model_class(hint: Any) -> bool:
    """Is it a pydantic class? Asked without importing pydantic."""
    return isinstance(hint, type) and hasattr(hint, "model_validate")


def hint_text(hint: Any, default: str) -> str:
    """Return a text as it is, other plain data as JSON, a pydantic class as an object with its fields.

    >>> hint_text({"speak": "what you say"}, "")
    '{"speak": "what you say"}'
    """
    if hint is None:
        return default
    if isinstance(hint, str):
        return hint
    if is_model_class(hint):
        fields = hint.model_json_schema().get("properties", {})
        hint = {name: one.get("description") or one.get("type", "...") for name, one in fields.items()}
    return json.dumps(hint, ensure_ascii=False, default=str)
