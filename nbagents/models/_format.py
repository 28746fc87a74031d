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
from typing import Any

from ..exceptions import UsageError
from ..message import Msg, is_muted

__all__ = ["chat_messages", "content_text", "flat"]


def chat_messages(
    msgs: Iterable[Msg | Iterable[Any] | None], *, speaker: str | None = None, names_are_shown: bool = True
) -> list[dict[str, Any]]:
    """Return the ``messages`` of a chat request.

    Lists inside lists are taken apart; None, and what a person has muted, is left out. What leads with
    role "system" becomes the one system message; a later one counts as said by its sender, since most
    templates take a system message at the beginning only. Without a ``speaker`` the roles stay as they are.

    >>> said = [Msg("user", "Rain?"), [Msg("poet", "Beads."), None], Msg("critic", "Cut!")]
    >>> for entry in chat_messages([Msg("system", "Be brief.", "system"), said], speaker="poet"):
    ...     print(entry)
    {'role': 'system', 'content': 'Be brief.'}
    {'role': 'user', 'name': 'user', 'content': 'Rain?'}
    {'role': 'assistant', 'name': 'poet', 'content': 'Beads.'}
    {'role': 'user', 'name': 'critic', 'content': 'Cut!'}

    Raises:
        UsageError: something in it is not a message.
    """
    conversation = [msg for msg in flat(msgs) if not is_muted(msg)]
    system: list[str] = []
    while (
        conversation and conversation[0].role == "system" and (not system or conversation[0].name == "system")
    ):
        system.append(content_text(conversation.pop(0)))
    roles = [_role(msg, speaker) for msg in conversation]
    others = {msg.name for msg, role in zip(conversation, roles, strict=True) if role == "user"}
    told_apart = names_are_shown or len(others) < 2
    result: list[dict[str, Any]] = [{"role": "system", "content": "\n\n".join(system)}] if system else []
    for msg, role in zip(conversation, roles, strict=True):
        name, text = _field(msg.name, names_are_shown), content_text(msg)
        if role == "user" and (name != msg.name or not told_apart):
            text = f"{msg.name}: {text}"
        result.append(
            {"role": role, "content": text} if name is None else {"role": role, "name": name, "content": text}
        )
    return result


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


def content_text(msg: Msg) -> str:
    """Return the content as text: blocks of text joined by lines, other data as JSON."""
    content = msg.content
    if isinstance(content, str):
        return content
    if (
        isinstance(content, list)
        and content
        and all(isinstance(block, dict) and "text" in block for block in content)
    ):
        return "\n".join(str(block["text"]) for block in content)
    return "" if content is None else json.dumps(content, ensure_ascii=False, default=str)


def _field(name: str, any_letters: bool) -> str | None:
    r"""Return the name as the field can hold it, at most 64 characters; None if none is left.

    OpenAI takes all but blanks and ``< | \ / >``; others still take ASCII letters and digits only.
    """
    taken = r"[^\s<|\\/>]" if any_letters else r"[A-Za-z0-9_-]"
    if re.fullmatch(taken + "{1,64}", name):
        return name
    return "_".join(re.findall(taken + "+", name)).strip("_")[:64] or None
