"""A conversation as the rules see it: the instructions, the turns by name, and who I am.

Several agents may share one history. It arrives either as chat messages with a ``name`` each, or
folded into one user message under a heading ``## Conversation History``, or as bare
``name: text`` lines. All three become the same turns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._text import STOP_WORDS, upper_first

__all__ = ["PICTURE", "Conversation", "Turn", "text_of"]

LONGEST_TEXT = 20_000
"""Characters of one message that the rules look at."""

_HEADING = re.compile(
    r"^\s*#+\s*(?:conversation|dialogue|chat)\s+history:?[ \t]*$", re.IGNORECASE | re.MULTILINE
)
_BLANKS = re.compile(r"\s{9,}")
_LINE = re.compile(r"^([^\W\d_][\w.\- ]{0,39}):[ \t]*(.*)$")
_BARE_LINE = re.compile(r"^([^\W\d_][\w-]{0,39}):[ \t]+(\S.*)$")
_NAMED = re.compile(
    r"\b(?:your name is|you are (?:called|named)|(?:agent|assistant|player|person) (?:called|named))\s+"
    r"[\"'“]?([^\W\d_][\w-]*)|\byou(?: are|'re)\s+[\"'“]?([^\W\d_][\w-]*)",
    re.IGNORECASE,
)
_RESULT = re.compile(r"What [\w-]+ returned:\Z")
_FOLLOWS = "(it follows)"
PICTURE = "[picture]"
"""How a picture that a tool has returned stands in its text."""
_PEOPLE = frozenset({"", "user", "you", "human", "me", "person"})
_HOSTS = frozenset({"system", "host", "hub", "moderator", "announcer", "announcement", "facilitator"})


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that was said."""

    role: str
    name: str
    text: str

    @property
    def by_person(self) -> bool:
        """Does it come from a person or a host, as far as the name tells?"""
        return self.role == "system" or self.name.lower() in _PEOPLE | _HOSTS

    @property
    def who(self) -> str:
        """Return the name to call the speaker by."""
        return self.name or ("you" if self.role == "user" else self.role)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Instructions and turns, oldest first.

    Attributes:
        prompt: The system prompt.
        turns: Everything said after it.
        me: The name of the agent whose reply is wanted; empty where nothing tells.
        size: How many messages a model would receive.
    """

    prompt: str
    turns: tuple[Turn, ...]
    me: str
    size: int

    @classmethod
    def of(cls, messages: Sequence[Mapping[str, Any]]) -> Conversation:
        """Read chat messages in OpenAI's form."""
        turns: list[Turn] = []
        prompt, name, begun = "", "", False
        called = _called(messages)
        for message in messages:
            role, text = str(message.get("role") or "user"), text_of(message)
            speaker = str(message.get("name") or "")
            if role in {"system", "developer"} and not begun:
                prompt, name, begun = text, speaker, True
                before, told = _unfold(text)
                prompt, turns = (before, told) if told else (prompt, turns)
                continue
            if role == "user" and not speaker and turns and turns[-1].role == "tool" and _is_result(message):
                held = turns[-1].text.removesuffix(_FOLLOWS).strip()
                turns[-1] = Turn("tool", turns[-1].name, f"{held} {PICTURE}".strip())
                continue
            if role == "user" and not speaker:
                before, told = _unfold(text)
                if told:
                    if before and not prompt:
                        prompt = before
                    elif before:
                        turns.append(Turn("system", "", before))
                    turns += told
                    continue
            if role == "tool":
                speaker = speaker or called.get(str(message.get("tool_call_id")), "the tool")
            speaker, text = _named(speaker, text)
            turns.append(Turn("system" if role == "developer" else role, speaker, text))
        me = _me(prompt, name, turns)
        own = [Turn("assistant", turn.name, turn.text) if me and turn.name == me else turn for turn in turns]
        return cls(prompt, tuple(own), me, len(messages))

    def is_mine(self, turn: Turn) -> bool:
        """Did the agent whose reply is wanted say this?"""
        return turn.name == self.me if self.me and turn.name else turn.role == "assistant" and not turn.name


def _is_result(message: Mapping[str, Any]) -> bool:
    """Is this a picture that a tool has returned? Only a message of the user may hold one."""
    content = message.get("content")
    if not isinstance(content, list) or not content or not isinstance(content[0], Mapping):
        return False
    return bool(_RESULT.match(str(content[0].get("text", "")))) and len(content) > 1


def text_of(message: Mapping[str, Any]) -> str:
    """Return a message's text; a picture or a sound stands as its kind in brackets."""
    content = message.get("content")
    if isinstance(content, str):
        text = content
    elif isinstance(content, list):
        parts = [part for part in content if isinstance(part, Mapping)]
        text = " ".join(str(part.get("text") or f"[{part.get('type', 'part')}]") for part in parts)
    else:
        text = ""
    return _BLANKS.sub(lambda run: run[0][:8], text[:LONGEST_TEXT].replace("\r\n", "\n")).strip()


def _named(name: str, text: str) -> tuple[str, str]:
    """Take away a "name: " that repeats the speaker, or stands for a name that its field cannot hold."""
    found = _LINE.match(text.split("\n", 1)[0])
    if found:
        said, rest = found[1].strip(), text[found.start(2) :]
        held = re.sub(r"[^A-Za-z0-9_-]+", "_", said).strip("_")
        if name and held == name:
            return name, rest
        if not name and not held:
            return said, rest
    return name, text


def _called(messages: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the function behind each tool call's id."""
    calls = [
        call for message in messages for call in message.get("tool_calls") or [] if isinstance(call, Mapping)
    ]
    named = [(str(call.get("id")), call.get("function")) for call in calls]
    return {
        id: str(function["name"])
        for id, function in named
        if isinstance(function, Mapping) and function.get("name")
    }


def _unfold(text: str) -> tuple[str, list[Turn]]:
    # Under a heading every "name:" line opens a turn; without one, all lines must be such lines.
    heading = _HEADING.search(text)
    if heading:
        return text[: heading.start()].strip(), _turns(text[heading.end() :], _LINE)
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(_BARE_LINE.match(line) for line in lines):
        return "", _turns(text, _BARE_LINE)
    return text, []


def _turns(text: str, pattern: re.Pattern[str]) -> list[Turn]:
    turns: list[Turn] = []
    for line in text.splitlines():
        found = pattern.match(line)
        if found:
            name = found[1].strip()
            turns.append(Turn("system" if name.lower() == "system" else "user", name, found[2].strip()))
        elif turns and line.strip():
            last = turns[-1]
            turns[-1] = Turn(last.role, last.name, f"{last.text}\n{line.strip()}".strip())
    return turns


def _me(prompt: str, name: str, turns: list[Turn]) -> str:
    if name and name.lower() not in {"system", "developer"}:
        return name
    spoken = {turn.name for turn in turns if turn.name and turn.role != "tool"}
    assistants = {turn.name for turn in turns if turn.role == "assistant" and turn.name}
    last = turns[-1] if turns else Turn("user", "", "")
    if len(assistants) == 1 and last.name not in assistants:
        return next(iter(assistants))
    named = [found[1] or found[2] for found in _NAMED.finditer(prompt[:2000])]
    for said in named:
        for speaker in sorted(spoken):
            if said.lower() == speaker.lower():
                return speaker
    # Where every agent's turn is "assistant", mine must be told from the others' by what was said.
    others = sorted(assistants - {last.name})
    for candidate in others:
        if _addressed(last.text, candidate):
            return candidate
    if len(others) == 1 and sum(turn.name == last.name for turn in turns) > 1:
        return others[0]
    known = [said for said in named if said == upper_first(said) and said.lower() not in STOP_WORDS]
    return known[0] if known else ""


def _addressed(text: str, name: str) -> bool:
    return bool(re.match(rf"@?{re.escape(name)}\s*[,:]", text, re.IGNORECASE))
