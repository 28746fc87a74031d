"""Saying exactly what was ordered, or what was heard."""

from __future__ import annotations

import re

from ._role import Role
from ._scene import Scene
from ._text import quoted, sentences

__all__ = ["bare", "literal"]

_ONLY = re.compile(
    r"\b(?:reply|answer|respond|say|output|write|return|type|print)\s+"
    r"(?:(?:to \w+ )?(?:with\s+)?(?:only|just|exactly|nothing but)|always|with)\b\s*(?:with\s+)?"
    r"(?P<kind>the (?:single )?words?\s+|the (?:text|phrase|sentence)\s+)?(?P<text>.+)",
    re.IGNORECASE,
)
_ALWAYS = re.compile(
    r"\balways\s+(?:reply|answer|respond|say)\s+(?:with\s+)?(?P<kind>)(?P<text>.+)", re.IGNORECASE
)
_SAY = re.compile(
    r"^(?:please\s+)?(?:say|repeat|repeat after me)[:\s]+[\"“']?(?P<text>[^\"”\n]{1,200}?)[\"”']?$",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\b(?:if|unless|when|whenever|until|once|whether|otherwise|else)\b", re.IGNORECASE)
_BARE = re.compile(
    r"\b(?:only|just|nothing but)\s+(?:with\s+)?(?:the|a|one|an|its|your)\s+(?:\w+\s+)?"
    r"(?:number|result|answer|name|value|word|count|total|choice|vote|verdict|sum|list)\b|\bno explanation\b",
    re.IGNORECASE,
)


def literal(scene: Scene) -> str | None:
    """Return the very words that the request or the prompt orders; None where neither does."""
    if scene.last is None:
        return None
    if scene.role is Role.ECHO:
        return scene.last.text
    asked = _ordered(scene.request) if scene.request else None
    if asked is None and scene.request:
        said = _SAY.match(scene.request)
        if said and not re.match(
            r"(?:what|that|why|how|who|something|anything|it|one|a|the)\b", said["text"], re.IGNORECASE
        ):
            asked = said["text"]
    return asked or _ordered(scene.talk.prompt)


def bare(scene: Scene) -> bool:
    """Is the answer alone wanted, without a sentence around it?"""
    return bool(_BARE.search(scene.request) or _BARE.search(scene.talk.prompt))


def _ordered(text: str) -> str | None:
    for sentence in sentences(text):
        found = None if _CONDITION.search(sentence) else _ALWAYS.search(sentence) or _ONLY.search(sentence)
        if not found:
            continue
        inside = quoted(found["text"])
        if len(inside) == 1 and found["text"].lstrip()[:1] in "\"“'‘`«":
            return inside[0]
        plain = found["text"].strip().rstrip(".!")
        single = re.fullmatch(r"[*`]*([A-Z][A-Z_\d]+)[*`]*", plain)
        if single and single[1] != "JSON":
            return single[1]
        if found["kind"] and re.fullmatch(r"[\w-]+", plain):
            return plain
    return None
