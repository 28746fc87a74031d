"""`Finish`: the tool by which a model gives its answer in a shape that was asked for."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Mapping
from typing import Any

from ..exceptions import FunctionCallError, SchemaMismatchError, UsageError
from ..models import Shape
from ..tools._run import arguments_of
from ..tools._schema import tidy_schema

__all__ = ["Finish"]

NAME = "generate_response"


class Finish:
    """What is asked for: a pydantic class, or a JSON schema of an object.

    ``tool`` is a name that none of those ``taken`` has. ``value`` is what the model has given, as JSON;
    ``made`` an instance of the class, or the value where a schema was asked for.

    Raises:
        UsageError: it is neither.
    """

    def __init__(self, wanted: Any, taken: Collection[str] = ()) -> None:
        self._shape, self._wanted = Shape(wanted), wanted
        if "properties" not in self._shape.schema:
            raise UsageError(
                f"structured_model is a pydantic class, or the JSON schema of an object, not {wanted!r:.80}"
            )
        self.name = self._shape.name
        names = itertools.chain([NAME], (f"{NAME}_{number}" for number in itertools.count(2)))
        self.tool = next(name for name in names if name not in taken)
        self.json_schema = {
            "type": "function",
            "function": {
                "name": self.tool,
                "description": "Give the final answer, in this form. Call it when all else is done.",
                "parameters": tidy_schema(self._shape.schema),
            },
        }
        self.value: dict[str, Any] | None = None
        self.made: Any = None
        self.problem = ""
        """What was wrong with the last answer that did not fit."""

    async def take(self, call: Mapping[str, Any]) -> str:
        """Take the model's answer; return what it is told of that."""
        try:
            given = arguments_of(call)
            self.value = await asyncio.to_thread(self._shape.read, given)
        except (FunctionCallError, SchemaMismatchError) as error:
            self.problem = str(error)
            return f"Error: {type(error).__name__}: {error}"
        is_class = hasattr(self._wanted, "model_validate")
        self.made = self._wanted.model_validate(given) if is_class else self.value
        return "The answer was taken."
