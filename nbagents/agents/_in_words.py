"""`InWords`: calls of tools as text, for models that have no other way: what they are told and write."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._ids import new_id
from ..exceptions import ResponseParsingError
from ..message import Msg
from ..parsers import MarkdownJsonDictParser

__all__ = ["InWords", "calls_tools"]

FORM = MarkdownJsonDictParser(
    {
        "thought": "what you think",
        "speak": "what you say",
        "function": [
            {"name": "the name of a tool", "arguments": {"the name of an argument": "the argument"}}
        ],
    }
)
ENDED = (
    'Call tools in "function". When you need none, leave the list empty; what you say is your answer then.'
)
TOLD = "You can call these tools. Each line tells of one as JSON: its name, what it does, its arguments."


def calls_tools(model: Any) -> bool:
    """Can this model be given tools? What it says of itself counts, then whether its call takes ``tools``."""
    if not getattr(model, "calls_tools", True):
        return False
    call = model if inspect.isroutine(model) else type(model).__call__
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):  # written in C, say
        return True
    return any(one.name == "tools" or one.kind is one.VAR_KEYWORD for one in parameters)


class InWords:
    """The tools of one step, of which a model is told in its prompt.

    >>> add = {"type": "function", "function": {"name": "add", "parameters": {}}}
    >>> words = InWords("calc", [add])
    >>> [block["type"] for block in words.read('{"speak": "", "function": [{"name": "add"}]}')]
    ['tool_use']
    >>> words.read('{"thought": "Easy.", "speak": "It is 5.", "function": []}')
    [{'type': 'text', 'text': 'It is 5.'}]
    """

    def __init__(self, name: str, schemas: Sequence[Mapping[str, Any]]) -> None:
        self._name = name
        lines = [json.dumps(schema["function"], ensure_ascii=False) for schema in schemas]
        self.told = "\n".join([TOLD, *lines]) if lines else ""
        """What belongs to the system prompt."""
        text = f"{FORM.format_instruction}\n{ENDED}"
        self.form = [Msg("system", text, "system")] if lines else []
        """What ends the prompt."""

    def shown(self, messages: Iterable[Msg]) -> list[Msg]:
        """Return messages with the agent's own calls of tools as it has written them."""
        return [self._written(message) for message in messages]

    def _written(self, message: Msg) -> Msg:
        calls = message.get_content_blocks("tool_use")
        if not calls or message.name != self._name:
            return message
        said = {
            "thought": "\n".join(block["thinking"] for block in message.get_content_blocks("thinking")),
            "speak": message.get_text_content() or "",
            "function": [{"name": call["name"], "arguments": call["input"]} for call in calls],
        }
        text = json.dumps(said, ensure_ascii=False, default=str)
        return Msg(self._name, f"{FORM.tag_begin}\n{text}\n{FORM.tag_end}", "assistant")

    def read(self, text: str) -> list[dict[str, Any]]:
        """Return what the model has answered as content blocks; prose is what it says.

        Raises:
            ResponseParsingError: it means to be in the form, and cannot be read.
        """
        if '"function"' not in text and '"speak"' not in text:
            return [{"type": "text", "text": text}]
        found = FORM.read(text)
        thought, speak = _text(found.get("thought")), _text(found.get("speak"))
        calls = [_call(one, text) for one in _listed(found.get("function"))]
        if not calls:
            return [{"type": "text", "text": speak or thought}]
        blocks = [{"type": "thinking", "thinking": thought}] if thought else []
        blocks += [{"type": "text", "text": speak}] if speak else []
        return blocks + calls


def _listed(given: Any) -> list[Any]:
    if isinstance(given, Mapping):
        return [given] if given else []
    return given if isinstance(given, list) else [given] if given else []


def _call(given: Any, text: str) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        raise ResponseParsingError(
            'each item of "function" is an object with name and arguments. Answer again with such a list',
            text,
        )
    asked = given.get("arguments")
    return {
        "type": "tool_use",
        "id": f"call_{new_id()[:16]}",
        "name": given["name"],
        "input": {} if asked is None else asked,
    }


def _text(given: Any) -> str:
    if given is None:
        return ""
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
