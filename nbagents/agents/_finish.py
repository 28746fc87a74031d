"""`Finish`: the tool by which a model gives its answer in a shape that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import ArgumentTypeError, UsageError
from ..tools import tidy_schema

__all__ = ["FINISH", "Finish"]

FINISH = "generate_response"
"""The name of that tool."""


class Finish:
    """What is asked for: a pydantic class, or a JSON schema of an object.

    ``value`` is what the model has given, as JSON; ``made`` an instance of the class, if one was asked for.
    """

    def __init__(self, wanted: Any) -> None:
        self._class = wanted if hasattr(wanted, "model_validate") else None
        schema = wanted.model_json_schema() if self._class is not None else wanted
        if not isinstance(schema, Mapping) or "properties" not in schema:
            raise UsageError(
                f"structured_model is a pydantic class, or the JSON schema of an object, not {wanted!r:.80}"
            )
        self.name = str(getattr(wanted, "__name__", None) or schema.get("title") or "the schema")
        self._required = [str(name) for name in schema.get("required", ())]
        self.json_schema = {
            "type": "function",
            "function": {
                "name": FINISH,
                "description": "Give the final answer, in this form. Call it when all else is done.",
                "parameters": tidy_schema(dict(schema)),
            },
        }
        self.value: dict[str, Any] | None = None
        self.made: Any = None

    def take(self, given: Mapping[str, Any]) -> None:
        """Take the model's answer.

        Raises:
            ArgumentTypeError: it does not fit; the message is one that the model can read.
        """
        if self._class is None:
            missing = [name for name in self._required if name not in given]
            if missing:
                raise ArgumentTypeError(f"{self.name} needs {', '.join(missing)}")
            self.value = dict(given)
            return
        try:
            made = self._class.model_validate(dict(given))
        except ValueError as error:
            errors = getattr(error, "errors", None)
            told = errors(include_url=False) if callable(errors) else [{"loc": (), "msg": str(error)}]
            lines = [f"{'.'.join(map(str, one['loc'])) or 'the answer'}: {one['msg']}" for one in told]
            raise ArgumentTypeError(f"this is no {self.name}: {'; '.join(lines)}") from None
        self.made, self.value = made, made.model_dump(mode="json")
