"""Formatters as AgentScope 1.x has them: ``await formatter.format(msgs)`` gives what is sent to a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..message import Msg
from ._format import chat_messages
from ._story import HEADING, told

__all__ = [
    "DashScopeChatFormatter",
    "DashScopeMultiAgentFormatter",
    "FormatterBase",
    "OpenAIChatFormatter",
    "OpenAIMultiAgentFormatter",
]


class FormatterBase:
    """Turns messages into the entries of a request. A subclass writes `entries`.

    >>> import asyncio
    >>> asyncio.run(OpenAIChatFormatter().format([Msg("user", "Rain?")]))
    [{'role': 'user', 'name': 'user', 'content': 'Rain?'}]
    """

    async def format(self, msgs: Iterable[Any] | Msg | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return the entries for these messages, and those in lists among them; None is left out.

        Raises:
            UsageError: something in it is not a message.
        """
        return self.entries([msgs])

    def entries(self, msgs: Iterable[Any]) -> list[dict[str, Any]]:
        """Return the entries, without waiting."""
        raise NotImplementedError


class OpenAIChatFormatter(FormatterBase):
    """For a talk of one person with one agent: each message is an entry, in its own role."""

    names_are_shown = True
    """Does the model see the field ``name``? Else names stand in the text where several speak."""

    def entries(self, msgs: Iterable[Any]) -> list[dict[str, Any]]:
        """Return an entry for each message; calls of tools and their results as the protocol has them."""
        return chat_messages(msgs, names_are_shown=self.names_are_shown, sees_urls=True)


class OpenAIMultiAgentFormatter(OpenAIChatFormatter):
    """For a talk of many: what was said is told as one text, ``name: what`` a line each.

    Calls of tools and their results stay entries of their own, in their places, and so do pictures, which
    follow the text. ``conversation_history_prompt`` stands above what was said first.
    """

    def __init__(self, conversation_history_prompt: str = HEADING) -> None:
        self.conversation_history_prompt = conversation_history_prompt

    def entries(self, msgs: Iterable[Any]) -> list[dict[str, Any]]:
        """Return the system message, and what was said between calls of tools as one entry each time."""
        found: list[dict[str, Any]] = []
        spoken: list[dict[str, Any]] = []
        for entry in super().entries(msgs):
            if entry["role"] in ("user", "assistant") and "tool_calls" not in entry:
                spoken.append(entry)
                continue
            self._tell(spoken, found)
            spoken = []
            found.append(entry)
        self._tell(spoken, found)
        return found

    def _tell(self, spoken: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
        if not spoken:
            return
        first = not any(one["role"] == "user" for one in found)
        head = [self.conversation_history_prompt] if first and self.conversation_history_prompt else []
        lines = [_line(entry) for entry in spoken]
        pictures = [
            part
            for entry in spoken
            if isinstance(entry["content"], list)
            for part in entry["content"]
            if part["type"] != "text"
        ]
        text = "\n".join([*head, *lines])
        content: Any = [{"type": "text", "text": text}, *pictures] if pictures else text
        found.append({"role": "user", "content": content})


class DashScopeChatFormatter(OpenAIChatFormatter):
    """As `OpenAIChatFormatter`, for DashScope's models, which do not see the field ``name``."""

    names_are_shown = False


class DashScopeMultiAgentFormatter(OpenAIMultiAgentFormatter):
    """As `OpenAIMultiAgentFormatter`, for DashScope's models."""


def _line(entry: dict[str, Any]) -> str:
    name, text = str(entry.get("name") or entry["role"]), told(entry)
    return text if text.startswith(f"{name}: ") else f"{name}: {text}"
