"""The hopeful, the doubting and the sober side of a yes-or-no question."""

from __future__ import annotations

from ._conversation import Turn
from ._proposal import Proposal
from ._role import Role
from ._scene import Scene
from ._text import gist, quote, upper_first

__all__ = ["SIDES", "debate"]

SIDES = {Role.OPTIMIST: "hopeful", Role.PESSIMIST: "doubting", Role.REALIST: "sober"}


def debate(scene: Scene) -> list[str] | None:
    """Argue my side of the question in hand; None for other roles."""
    side = SIDES.get(scene.role)
    if side is None or scene.task is None:
        return None
    proposal = Proposal.of(scene.task_text)
    if proposal is None:
        return [
            f"{quote(scene.task_text, 16)} asks for no yes or no; the {side} side cannot argue there.",
            f"That asks for no yes or no, so the {side} side is silent.",
            "Silence.",
        ]
    word = "no" if scene.role is Role.PESSIMIST else "yes"
    other = scene.agents[-1] if scene.agents else None
    if scene.mine and other is not None:
        return _again(scene.role, word, other)
    drafts = _first(scene.role, proposal)
    if other is not None:
        heard = f"{other.who} says “{gist(other.text)}”; by rule I keep to the {side} side."
    else:
        heard = f"By rule I take the {side} side."
    drafts.insert(0, f"{drafts[0]} {heard}")
    return drafts


def _first(role: Role, proposal: Proposal) -> list[str]:
    if proposal.factual:
        vote = "no" if role is Role.PESSIMIST else "yes"
        return [
            f"My vote is {vote} {proposal.yes}, by rule and without facts.",
            f"My vote: {vote}.",
            upper_first(vote),
        ]
    goal = proposal.before or "what comes after it"
    match role:
        case Role.OPTIMIST:
            return [
                f"Yes, {proposal.yes}: if it goes well, {goal} gains from it.",
                f"Yes, {proposal.yes}.",
                "Yes.",
            ]
        case Role.PESSIMIST:
            return [f"No, {proposal.no}: if it goes wrong, {goal} has to wait.", f"No, {proposal.no}.", "No."]
        case _:
            small, whole = (
                "begin with the smallest part that can be undone",
                "only what can be finished in time",
            )
            part = whole if proposal.before else small
            return [
                f"Yes, {proposal.yes}, with one condition: {part}.",
                f"Yes, in part: {proposal.yes}.",
                "Yes, in part.",
            ]


def _again(role: Role, word: str, other: Turn) -> list[str]:
    point = f"{other.who}'s point (“{gist(other.text)}”)"
    tail = {
        Role.OPTIMIST: "is a case to prepare for, not a reason to stop",
        Role.PESSIMIST: "holds only if all goes well",
    }.get(role, "decides how large a part to take")
    return [
        f"{upper_first(word)}, still: {point} {tail}.",
        f"{upper_first(word)}, still.",
        f"{upper_first(word)}.",
    ]
