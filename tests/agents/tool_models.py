"""A model of a script, for agents that use tools."""

from __future__ import annotations

from typing import Any

from nbagents.models import ModelWrapperBase


class Answer:
    """A model's answer that is there: content blocks."""

    def __init__(self, *blocks: Any) -> None:
        self.content = [{"type": "text", "text": one} if isinstance(one, str) else one for one in blocks]
        self.text = "".join(block["text"] for block in self.content if block["type"] == "text")

    def __await__(self):
        yield from ()
        return self


def use(name: str, call_id: str = "", **given: Any) -> dict[str, Any]:
    """A block that calls a tool."""
    return {"type": "tool_use", "id": call_id or f"c-{name}", "name": name, "input": given}


class ScriptedModel(ModelWrapperBase):
    """Answers one item of its script after the other: blocks, or texts. ``sent`` holds each request."""

    def __init__(self, *script: Any) -> None:
        super().__init__("scripted")
        self.script = [item if isinstance(item, tuple) else (item,) for item in script]
        self.sent: list[list[dict[str, Any]]] = []
        self.asked: list[dict[str, Any]] = []

    def __call__(self, messages: Any, **generate_args: Any) -> Any:
        self.sent.append(messages)
        self.asked.append(generate_args)
        return Answer(*self.script.pop(0))
