"""What is said where no rule applies: that this is so, and what a real model would have received."""

from __future__ import annotations

import re

from ._role import Role
from ._scene import Scene
from ._text import clip, gist, plural, sentences

__all__ = ["admit"]

_SELF = "I am the offline demo model; I follow a few rules and"


def admit(scene: Scene) -> list[str]:
    """Say that no rule of the demo model answers this, and quote what was asked."""
    sent = "this message" if scene.talk.size == 1 else f"these {plural(scene.talk.size, 'message')}"
    sequel = f"A real model would receive {sent}."
    if scene.last is None:
        return [
            "No message has reached me yet. I am the offline demo model and only react to what is said.",
            "Nothing said yet.",
        ]
    shorter = [
        f"{_SELF} cannot answer this.",
        "I am the offline demo model; my few rules cannot answer this.",
        "I follow a few rules and cannot answer this.",
        "The demo cannot answer this.",
        "I cannot answer.",
        "Unanswered.",
    ]
    if not scene.request and not scene.last.by_person:
        who, said = scene.last.who, gist(scene.last.text)
        return [
            f"{who} says “{said}”. {_SELF} cannot answer that. {sequel}",
            f"{who} says “{said}”; the offline demo model has no rule for an answer.",
            f"No rule of mine answers {who}.",
            *shorter[3:],
        ]
    asked = _bare(scene.request or scene.last.text)
    told = f"cannot answer “{asked}”" if asked else "cannot answer this"
    drafts = [f"{_SELF} {told}. {sequel}", f"{_SELF} {told}.", *shorter]
    rule = _rule(scene) if scene.role is not Role.ASSISTANT else ""
    if rule:
        part = f"As {_article(scene.role.value)} I can follow “{rule}”, but the offline demo model {told}."
        drafts[:0] = [f"{part} {sequel}", part]
    return drafts


def _rule(scene: Scene) -> str:
    """Return the first sentence of my own prompt, told as a rule."""
    first = next(iter(sentences(scene.talk.prompt)), "")
    rest = [
        part
        for part in sentences(scene.talk.prompt)
        if not re.match(r"you(?: are|'re)\s+(?:an?|the)\b", part, re.IGNORECASE)
    ]
    chosen = re.sub(r"^you\s+(?!are\b)", "", rest[0] if rest else first, flags=re.IGNORECASE)
    return clip(chosen, 14).replace("“", "‘").replace("”", "’").rstrip("?!.")


def _bare(text: str) -> str:
    return clip(" ".join(text.split()), 14).replace("“", "‘").replace("”", "’").rstrip("?!.")


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
