"""Turn a conversation of many into what a chat endpoint takes, seen by one of them.

A chat endpoint knows a system, one user and one assistant. So what the speaker itself said is
"assistant", what everybody else said is "user", and the field ``name`` says who it was. Only
OpenAI's own models are shown that field; the templates of most others drop it. There, where more
than one other speaks, the text begins with ``name: `` too, and everywhere if the field cannot
hold the name. Knows nothing of endpoints.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..exceptions import UsageError
from ..message import Msg, is_muted
from ._blocks import NO_RESULT, Said, content_text, returned

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
        conversation
        and conversation[0].role == "system"
        and (not system or conversation[0].name == "system")
        and not conversation[0].has_content_blocks("tool_result")
    ):
        system.append(content_text(conversation.pop(0)))
    turns = [_Turn.of(msg, speaker, sees_urls=sees_urls, strict=msg is newest) for msg in conversation]
    _pair(turns)
    others = {turn.msg.name for turn in turns if turn.role == "user" and not turn.only_returns}
    told_apart = names_are_shown or len(others) < 2
    result: list[dict[str, Any]] = [{"role": "system", "content": "\n\n".join(system)}] if system else []
    for turn in turns:
        if turn.only_returns:
            continue
        result.append(turn.entry(names_are_shown, told_apart))
        if turn.calls_tools:
            result += _returns(turn.calls)
    return result


@dataclass(slots=True)
class _Call:
    """A call of a tool. ``id`` is the one it goes by in this request: of its own, whoever gave the first."""

    block: dict[str, Any]
    id: str
    result: Said | None = None

    @property
    def name(self) -> str:
        return str(self.block.get("name"))

    @property
    def arguments(self) -> str:
        return json.dumps(self.block.get("input") or {}, ensure_ascii=False, default=str)

    def entry(self) -> dict[str, Any]:
        """Return it as the protocol has it."""
        return {
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        }


@dataclass(slots=True)
class _Turn:
    """A message on its way into a request."""

    msg: Msg
    role: str
    said: Said
    calls: list[_Call] = field(default_factory=list)
    loose: list[dict[str, Any]] = field(default_factory=list)
    """Results that stand behind no call of the speaker's."""

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

    @property
    def only_returns(self) -> bool:
        """Does it hold nothing but results, which stand behind their calls?"""
        return bool(self.said.results) and not (self.said.parts or self.calls or self.loose)

    def entry(self, names_are_shown: bool, told_apart: bool) -> dict[str, Any]:
        """Return it as the protocol has it, without the results of its calls."""
        parts = [*self.said.parts, *self._told()]
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
                "tool_calls": [call.entry() for call in self.calls],
            }
        return entry if name is None else {"role": self.role, "name": name, **entry}

    def _told(self) -> Iterator[dict[str, Any]]:
        """Yield what tools were asked and returned, told in words where it is not the speaker's own."""
        for call in () if self.calls_tools else self.calls:
            yield {"type": "text", "text": f"(calls {call.name} with {call.arguments})"}
        for block in self.loose:
            text = returned(block).text
            yield {"type": "text", "text": f"({block.get('name') or 'a tool'} returned: {text})"}


def _pair(turns: Iterable[_Turn]) -> None:
    """Give each call its result, and an id of its own: some endpoints count from ``call_0`` in each answer.

    A result belongs to the latest call of its id that came before it.
    """
    waiting: dict[str, list[_Call]] = {}
    whose: dict[str, bool] = {}
    taken: set[str] = set()
    for turn in turns:
        asked: dict[str, list[_Call]] = {}
        for block in turn.said.calls:
            given = str(block.get("id"))
            number = itertools.count(2)
            own = given
            while own in taken:
                own = f"{given}_{next(number)}"
            taken.add(own)
            turn.calls.append(_Call(block, own))
            asked.setdefault(given, []).append(turn.calls[-1])
            whose[given] = turn.calls_tools
        waiting |= asked
        for block in turn.said.results:
            given = str(block.get("id"))
            calls = waiting.get(given)
            call = calls.pop(0) if calls else None
            if call is not None and whose[given]:
                call.result = returned(block)
            else:
                turn.loose.append(block)


def _returns(calls: Iterable[_Call]) -> Iterator[dict[str, Any]]:
    """Yield the result of each call; pictures in it follow as a message, as only those may hold them."""
    shown: list[dict[str, Any]] = []
    for call in calls:
        said = call.result
        text = NO_RESULT if said is None else said.text or ("(it follows)" if said.has_media else "")
        yield {"role": "tool", "tool_call_id": call.id, "content": text}
        if said is not None and said.has_media:
            shown.append({"type": "text", "text": f"What {call.name} returned:"})
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
