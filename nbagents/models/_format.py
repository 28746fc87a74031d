"""Turn a conversation of many into what a chat endpoint takes, seen by one of them.

A chat endpoint knows a system, one user and one assistant. So what the speaker itself said is
"assistant", what everybody else said is "user", and the field ``name`` says who it was. Only
OpenAI's own models are shown that field; the templates of most others drop it. There, where more
than one other speaks, the text begins with ``name: `` too, and everywhere if the field cannot
hold the name. Knows nothing of endpoints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..exceptions import UsageError
from ..message import Msg, is_muted
from ._blocks import NO_RESULT, Said, content_text, results_in

__all__ = ["chat_messages", "flat"]


def chat_messages(
    msgs: Iterable[Msg | Iterable[Any] | None],
    *,
    speaker: str | None = None,
    names_are_shown: bool = True,
    sees_urls: bool = False,
) -> list[dict[str, Any]]:
    """Return the ``messages`` of a chat request.

    Lists inside lists are taken apart; None, and what a person has muted, is left out. What leads with
    role "system" becomes the one system message; a later one counts as said by its sender, since most
    templates take a system message at the beginning only. Without a ``speaker`` the roles stay as they are.

    Calls of tools and their results stand side by side, as the protocol wants them; a call without a
    result gets one that says so. Pictures and sounds of others are sent along, the speaker's own are noted.

    >>> said = [Msg("user", "Rain?"), [Msg("poet", "Beads."), None], Msg("critic", "Cut!")]
    >>> for entry in chat_messages([Msg("system", "Be brief.", "system"), said], speaker="poet"):
    ...     print(entry)
    {'role': 'system', 'content': 'Be brief.'}
    {'role': 'user', 'name': 'user', 'content': 'Rain?'}
    {'role': 'assistant', 'name': 'poet', 'content': 'Beads.'}
    {'role': 'user', 'name': 'critic', 'content': 'Cut!'}

    Raises:
        UsageError: something in it is not a message, or the newest one names a file that cannot be sent.
    """
    conversation = [msg for msg in flat(msgs) if not is_muted(msg)]
    newest = conversation[-1] if conversation else None
    system: list[str] = []
    while (
        conversation and conversation[0].role == "system" and (not system or conversation[0].name == "system")
    ):
        system.append(content_text(conversation.pop(0)))
    turns = [_Turn.of(msg, speaker, sees_urls=sees_urls, strict=msg is newest) for msg in conversation]
    returned = results_in([block for turn in turns for block in turn.said.results])
    own = {str(call.get("id")) for turn in turns if turn.calls_tools for call in turn.said.calls}
    others = {turn.msg.name for turn in turns if turn.role == "user" and not turn.only_returns(own)}
    told_apart = names_are_shown or len(others) < 2
    result: list[dict[str, Any]] = [{"role": "system", "content": "\n\n".join(system)}] if system else []
    for turn in turns:
        if turn.only_returns(own):
            continue
        result.append(turn.entry(own, names_are_shown, told_apart))
        if turn.calls_tools:
            result += _returns(turn.said.calls, returned)
    return result


@dataclass(slots=True)
class _Turn:
    """A message on its way into a request."""

    msg: Msg
    role: str
    said: Said

    @classmethod
    def of(cls, msg: Msg, speaker: str | None, *, sees_urls: bool, strict: bool) -> _Turn:
        role = _role(msg, speaker)
        said = Said.of(msg, with_media=role != "assistant", with_urls=sees_urls, strict=strict)
        if said.calls and speaker is None:
            role = "assistant"
        return cls(msg, role, said)

    @property
    def calls_tools(self) -> bool:
        """Are these calls of tools the speaker's own?"""
        return bool(self.said.calls) and self.role == "assistant"

    def only_returns(self, own: set[str]) -> bool:
        """Does it hold nothing but results, which stand behind their calls?"""
        return bool(
            self.said.results
            and not self.said.parts
            and all(str(block.get("id")) in own for block in self.said.results)
        )

    def entry(self, own: set[str], names_are_shown: bool, told_apart: bool) -> dict[str, Any]:
        """Return it as the protocol has it, without the results of its calls."""
        parts = [*self.said.parts, *self._told(own)]
        name = _field(self.msg.name, names_are_shown)
        if self.role == "user" and (name != self.msg.name or not told_apart):
            first = parts[0] if parts and parts[0]["type"] == "text" else {"type": "text", "text": ""}
            text = f"{self.msg.name}: {first['text']}"
            parts = [{"type": "text", "text": text}, *(parts[1:] if parts and first is parts[0] else parts)]
        content: Any = parts
        if all(part["type"] == "text" for part in parts):
            content = "\n".join(part["text"] for part in parts)
        entry = {"role": self.role, "content": content}
        if self.calls_tools:
            entry |= {
                "content": content or None,
                "tool_calls": [_wire_call(call) for call in self.said.calls],
            }
        return entry if name is None else {"role": self.role, "name": name, **entry}

    def _told(self, own: set[str]) -> Iterator[dict[str, Any]]:
        """Yield what tools were asked and returned, told in words where it is not the speaker's own."""
        for call in () if self.calls_tools else self.said.calls:
            arguments = json.dumps(call.get("input") or {}, ensure_ascii=False, default=str)
            yield {"type": "text", "text": f"(calls {call.get('name')} with {arguments})"}
        for block in self.said.results:
            if str(block.get("id")) not in own:
                text = results_in([block])[str(block.get("id"))].text
                yield {"type": "text", "text": f"({block.get('name') or 'a tool'} returned: {text})"}


def _wire_call(call: dict[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(call.get("input") or {}, ensure_ascii=False, default=str)
    function = {"name": str(call.get("name")), "arguments": arguments}
    return {"id": str(call.get("id")), "type": "function", "function": function}


def _returns(calls: list[dict[str, Any]], returned: dict[str, Said]) -> Iterator[dict[str, Any]]:
    """Yield the result of each call; pictures in it follow as a message, as only those may hold them."""
    shown: list[dict[str, Any]] = []
    for call in calls:
        said = returned.get(str(call.get("id")))
        text = NO_RESULT if said is None else said.text
        yield {"role": "tool", "tool_call_id": str(call.get("id")), "content": text}
        if said is not None and said.has_media:
            shown.append({"type": "text", "text": f"What {call.get('name')} returned:"})
            shown += [part for part in said.parts if part["type"] != "text"]
    if shown:
        yield {"role": "user", "content": shown}


def _role(msg: Msg, speaker: str | None) -> str:
    if speaker is not None:
        return "assistant" if msg.name == speaker else "user"
    return "user" if msg.role == "system" else msg.role


def flat(msgs: Iterable[Any]) -> Iterator[Msg]:
    """Yield the messages of a nested list, without the Nones."""
    for item in msgs:
        if isinstance(item, Msg):
            yield item
        elif isinstance(item, list | tuple):
            yield from flat(item)
        elif item is not None:
            raise UsageError(f"a model is told messages (Msg) or lists of them, not {type(item).__name__}")


def _field(name: str, any_letters: bool) -> str | None:
    r"""Return the name as the field can hold it, at most 64 characters; None if none is left.

    OpenAI takes all but blanks and ``< | \ / >``; others still take ASCII letters and digits only.
    """
    taken = r"[^\s<|\\/>]" if any_letters else r"[A-Za-z0-9_-]"
    if re.fullmatch(taken + "{1,64}", name):
        return name
    return "_".join(re.findall(taken + "+", name)).strip("_")[:64] or None
