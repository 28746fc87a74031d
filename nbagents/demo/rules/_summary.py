"""Summaries that only quote: a text's own most telling sentence, or the gist of each speaker."""

from __future__ import annotations

import math
import re
from collections import Counter

from ._role import Role
from ._scene import Scene
from ._text import STOP_WORDS, clip, count_words, gist, join, operand, sentences, words

__all__ = ["best_sentence", "summary"]

_ASKED = re.compile(
    r"\b(?:summari[sz]e|summary|sum (?:it |this |that |us )?up|tl;?dr|in short|wrap up|recap|condense)\b",
    re.IGNORECASE,
)


def summary(scene: Scene) -> list[str] | None:
    """Summarise the text that is given, else what the speakers said; None where nothing asks for it."""
    text = scene.request
    asked = _ASKED.search(text)
    by_role = scene.role is Role.SUMMARISER and scene.last is not None
    if not asked and not by_role:
        return None
    given = operand(text) if asked else None
    if given is None and by_role and not asked and scene.last is not None and not scene.agents:
        given = scene.last.text if not text or count_words(text) > 8 else None
    if given is not None and count_words(given) > 3:
        return [best_sentence(given)]
    return _speakers(scene)


def _speakers(scene: Scene) -> list[str] | None:
    asking = scene.last if scene.request else None
    turns = [turn for turn in scene.talk.turns if turn.role not in {"system", "tool"} and turn is not asking]
    if any(not turn.by_person for turn in turns):
        turns = [turn for turn in turns if not turn.by_person]
    told: dict[str, list[str]] = {}
    for turn in turns:
        name = turn.who if turn.name or not scene.talk.is_mine(turn) else "I"
        point = gist(turn.text, 12)
        if point and point not in told.setdefault(name, []):
            told[name].append(point)
    told = {name: points for name, points in told.items() if points}
    if not told:
        return None
    if len(turns) == 1:
        return [best_sentence(turns[0].text)]
    full = "; ".join(
        f"{name}: {join([f'“{point}”' for point in points[-4:]])}" for name, points in told.items()
    )
    newest = "; ".join(f"{name}: “{points[-1]}”" for name, points in told.items())
    short = "; ".join(f"{name}: “{clip(points[-1], 4)}”" for name, points in told.items())
    return [
        f"In their own words, {full}.",
        f"In their own words, {newest}.",
        f"{short}.",
        f"{join(list(told))} spoke.",
    ]


def best_sentence(text: str) -> str:
    """Return the sentence of ``text`` that holds most of its frequent words.

    >>> best_sentence("Hello there. Rain fills the river. The river floods when rain stays. Bye.")
    'The river floods when rain stays.'
    """
    parts = sentences(text)
    counts = Counter(_stems(text))

    def weight(sentence: str) -> float:
        total = sum(counts[stem] for stem in set(_stems(sentence)))
        return float(total / math.sqrt(4 + len(words(sentence))))

    best = max(parts, key=weight) if parts else text.strip()
    return best if best.endswith((".", "!", "?", "”")) else best.rstrip(" ,;:") + "."


def _stems(text: str) -> list[str]:
    bare = (word.strip(".,;:!?“”\"'()").lower() for word in words(text))
    return [word[:6] for word in bare if word not in STOP_WORDS and len(word) > 2]
