"""Handing back a text changed as a reviewer asked."""

from __future__ import annotations

import re

from ._conversation import Turn
from ._limits import Limits
from ._poet import shortened
from ._role import Role
from ._scene import Scene
from ._text import count_words, gist, operand, quoted

__all__ = ["revise"]

_REMARK = re.compile(r"\b(?:cut|remove|drop|delete|limit is|too long|at most|APPROVED)\b", re.IGNORECASE)


def revise(scene: Scene) -> str | None:
    """Return the newest draft, changed as the newest remark asks; None for other roles."""
    if scene.role is not Role.REVISER or scene.last is None:
        return None
    turns = [turn for turn in scene.talk.turns if turn.role not in {"system", "tool"} and not turn.by_person]
    drafts = [turn.text for turn in turns if not _is_remark(turn)]
    remarks = [turn for turn in turns if _is_remark(turn)]
    draft = drafts[-1] if drafts else operand(scene.request)
    if not draft:
        if not remarks:
            return None
        asked = f"{remarks[-1].who} asks: “{gist(remarks[-1].text, 20)}”."
        return f"{asked} The text itself did not reach me, so I cannot change it."
    room = scene.limits.word_room
    for turn in remarks:
        draft = shortened(draft, quoted(turn.text))
        room = Limits.complaint(turn.text).words_max or room
    lines = draft.splitlines()
    while room and len(lines) > 1 and count_words("\n".join(lines)) > room:
        lines.pop()
    return "\n".join(lines)


def _is_remark(turn: Turn) -> bool:
    return bool(_REMARK.search(turn.text)) and (
        bool(quoted(turn.text)) or "APPROVED" in turn.text or "limit" in turn.text
    )
