"""Answering from passages that a tool found: the sentence that fits the question best, and its source."""

from __future__ import annotations

import re

from ._scene import Scene
from ._text import STOP_WORDS, quote, sentences

__all__ = ["cite"]

_HEAD = re.compile(r"^\[\d+\] (.+)$", re.MULTILINE)
_NOTHING = re.compile(r"No passage fits")


def cite(scene: Scene) -> list[str] | None:
    """Quote what answers the question, with where it stands; None where no passages were found just now."""
    last = scene.talk.turns[-1] if scene.talk.turns else None
    if last is None or last.role != "tool":
        return None
    if _NOTHING.match(last.text):
        return ["Nothing was found about that.", "Nothing."]
    places = list(_HEAD.finditer(last.text))
    if not places:
        return None
    wanted = _stems(scene.task_text)
    best, most = ("", ""), 0
    for place, after in zip(places, [*places[1:], None], strict=True):
        text = last.text[place.end() : after.start() if after else None]
        heading = _stems(place[1])
        for line in text.split("\n"):
            for sentence in sentences(line):
                own = _stems(sentence)
                # A heading only decides between sentences that have something of the question.
                shared = 10 * len(wanted & own) + len(wanted & heading - own) if wanted & own else 0
                if shared > most:
                    best, most = (sentence.strip(), place[1]), shared
    if not most:
        found = "; ".join(place[1] for place in places[:3])
        return [f"The passages do not say. I looked in {found}.", "The passages do not say."]
    said, where = best
    return [f"{quote(said, 60)}, says {where}.", quote(said, 60)]


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"\w{3,}", text.lower()) if word not in STOP_WORDS}
