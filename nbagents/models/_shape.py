"""`Shape`: the shape that an answer is to have, and the reading of an answer in it. Pure.

A shape is a pydantic class or a JSON schema. Knows nothing of endpoints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .._fitting import Misfit, fitted, is_model_class
from ..exceptions import SchemaMismatchError, UsageError

__all__ = ["Shape"]

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL | re.IGNORECASE)
_SHOWN = 200  # characters of an answer that are quoted


class Shape:
    """What ``structured_model`` asks for.

    >>> shape = Shape({"title": "Verdict", "type": "object", "properties": {"good": {"type": "boolean"}}})
    >>> shape.name, shape.read('{"good": true}')
    ('Verdict', {'good': True})

    Raises:
        UsageError: it is neither a pydantic class nor a JSON schema of an object.
    """

    def __init__(self, wanted: Any) -> None:
        is_class = is_model_class(wanted)
        self._model = wanted if is_class else None
        schema = wanted.model_json_schema() if is_class else wanted
        if not isinstance(schema, Mapping):
            raise UsageError(
                "structured_model is a pydantic class, or a JSON schema of an object, not"
                f" {type(wanted).__name__ if not isinstance(wanted, type) else wanted.__name__}"
            )
        self.schema = dict(schema)
        self.name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(self.schema.get("title") or "answer"))[:64]

    @property
    def response_format(self) -> dict[str, Any]:
        """How OpenAI's protocol asks for it."""
        return {"type": "json_schema", "json_schema": {"name": self.name, "schema": self.schema}}

    @property
    def tool(self) -> dict[str, Any]:
        """How it is asked for where the protocol's own way is not understood: as the call of a tool."""
        about = str(self.schema.get("description") or "Give the answer in this form.")
        function = {"name": self.name, "description": about, "parameters": self.schema}
        return {"type": "function", "function": function}

    def read(self, answer: str | Mapping[str, Any]) -> dict[str, Any]:
        """Return what the answer says, as plain data in this shape. May take a while; not for the loop.

        Raises:
            SchemaMismatchError: it is no JSON, or has another shape.
        """
        data = answer if isinstance(answer, Mapping) else self._parsed(answer)
        try:
            found = fitted(self._model or self.schema, data)
        except Misfit as error:
            problem = error.problems[0]
        else:
            if isinstance(found, Mapping):
                return dict(found)
            problem = "it is no object"
        raise SchemaMismatchError(f"the answer does not fit {self.name}: {problem}")

    def _parsed(self, text: str) -> Any:
        fenced = _FENCED.match(text)
        try:
            return json.loads(fenced[1] if fenced else text)
        except (ValueError, RecursionError):
            shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
            problem = f"the answer does not fit {self.name}: it is no JSON: {shown!r}"
        raise SchemaMismatchError(problem)
