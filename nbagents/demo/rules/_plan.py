"""Planning: numbered steps alone, or one further point after each other's in a group."""

from __future__ import annotations

import re
import zlib

from ._role import Role
from ._scene import Scene
from ._text import STOP_WORDS, gist, lower_first, quote, upper_first, words
from ._topic import topic, trim

__all__ = ["name", "plan"]

_PLAN = re.compile(
    r"\b(?:plan|organi[sz]e|prepare|arrange|schedule)\s+(?:for\s+)?(?P<what>(?!b\b).+)",
    re.IGNORECASE | re.DOTALL,
)
_STEPS = re.compile(r"\b(?:steps?|break (?:it|this|that) down|outline|checklist)\b", re.IGNORECASE)
_NAME = re.compile(
    r"\b(?:propose|suggest|find|think of|invent|give|pick|choose)\b[^.?!]*"
    r"\bnames?\b(?:\s+for\s+(?P<what>[^.?!,]+))?",
    re.IGNORECASE,
)
_POINTS = (
    ("the day and the hour", "fix the day and the hour of {t}"),
    ("a place", "choose a place for {t} that all can reach"),
    ("who takes part", "write down who takes part in {t}"),
    ("what to bring", "let each of us name what to bring"),
    ("instead", "agree on what we do instead if {t} falls through"),
    ("at most", "set what {t} may cost at most"),
    ("the day before", "name one person who goes through the list the day before"),
    ("afterwards", "say who puts things in order afterwards"),
)
_WORK = (
    "Write down in one sentence when {t} is done.",
    "List what {t} needs, and who has it.",
    "Do the smallest part that can be shown.",
    "Show it to one person and note what is missing.",
    "Mend what was noted, and nothing else.",
    "Check the result against step 1.",
    "Say who looks after it from now on.",
)
_ENDINGS = ("Kit", "Works", "Lab", "Desk", "Path", "House", "Field")


def plan(scene: Scene) -> list[str] | None:
    """Add to a plan; None where nothing is to be planned."""
    asked = _PLAN.search(scene.task_text)
    planning = scene.role is Role.PLANNER
    if scene.task is None or not (asked or planning):
        return None
    what = _definite(trim(asked["what"])) if asked else quote(lower_first(scene.task_text), 8)
    others = any(not turn.by_person for turn in scene.talk.turns)
    alone = not others and not re.search(r"\beach\b", scene.task.text, re.IGNORECASE)
    if alone and (planning or _STEPS.search(scene.task.text) or scene.limits.items):
        return _steps(what, scene.limits.items or 3)
    return _point(scene, what)


def _steps(what: str, count: int) -> list[str]:
    count = max(1, min(count, len(_WORK)))
    lines = [f"{index}. {_WORK[index - 1].format(t=what)}" for index in range(1, count + 1)]
    return ["\n".join(lines), lines[0]]


def _point(scene: Scene, what: str) -> list[str]:
    told = " ".join(turn.text for turn in scene.talk.turns if turn is not scene.task).lower()
    left = [point for mark, point in _POINTS if mark not in told]
    before = next((turn for turn in reversed(scene.heard) if not turn.by_person), None)
    if not left:
        end = "every point on my list is named"
        if before is None:
            return [f"{upper_first(end)}, so I add nothing."]
        return [
            f"{before.who} says “{gist(before.text)}”; {end}, so I add nothing.",
            f"{upper_first(end)}.",
            "Nothing to add.",
        ]
    point = left[0].format(t=what)
    if before is None:
        return [f"My first point: {point}.", f"{upper_first(point)}."]
    return [
        f"Building on {before.who} (“{gist(before.text)}”), I add: {point}.",
        f"After {before.who}: {point}.",
        f"{upper_first(point)}.",
    ]


def _definite(what: str) -> str:
    bare = re.sub(r"^(?:an?|some)\s+", "", what, flags=re.IGNORECASE)
    if bare != what:
        return f"the {bare}"
    return bare or "the work"


def name(scene: Scene) -> list[str] | None:
    """Propose a name built from the topic; None where none is asked for."""
    asked = _NAME.search(scene.request)
    if not asked:
        return None
    given = re.search(r"\btopic\s*(?:is|:)\s*(.+)", scene.request, re.IGNORECASE)
    about = trim(given[1] if given else asked["what"] or topic(scene.request)) or "the work"
    parts = [re.sub(r"\W+", "", word) for word in words(about) if word.lower() not in STOP_WORDS][:2] or [
        "Open"
    ]
    ending = _ENDINGS[zlib.crc32(about.lower().encode()) % len(_ENDINGS)]
    made = "".join(upper_first(part) for part in parts) + ending
    return [f"Proposal: {made}, from “{about}” and a fixed ending.", f"Proposal: {made}.", made]
