"""`Person`: a person among the agents of a workspace, who lives in the server as they do."""

from __future__ import annotations

from typing import Any

from ..message import PlaceholderMessage
from ..rpc import RpcAgent

__all__ = ["PERSON", "Person", "person_settings"]

PERSON = "UserAgent"
"""The class of a person, as servers name it."""


class Person(RpcAgent):
    """The proxy of a `UserAgent`: talks with it outlive the kernel. Who is asked: see `nbagents.asking`."""

    def __call__(self, *args: Any, schema: Any = None, **kwargs: Any) -> PlaceholderMessage:
        """Ask the person; ``schema``, a pydantic class or a JSON schema, says what to fill in."""
        if hasattr(schema, "model_json_schema"):
            schema = schema.model_json_schema()
        return super().__call__(*args, **kwargs, **({} if schema is None else {"schema": schema}))


def person_settings(name: str, prompt: str) -> dict[str, Any]:
    """Return how a server makes a person who is asked in these words, or just by name."""
    return {"class_name": PERSON, "args": [name], "kwargs": {"input_hint": prompt or f"{name}: "}}
