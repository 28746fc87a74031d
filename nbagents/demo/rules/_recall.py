"""Showing what is remembered: who said what, what a person told, and what this model is."""

from __future__ import annotations

import re

from ._scene import Scene
from ._text import clip, join, plural, quote

__all__ = ["recall"]

_GREETING = re.compile(
    r"^(?:hello|hi|hey|greetings|good (?:morning|afternoon|evening|day)|welcome)\b[^?\n:]{0,30}$",
    re.IGNORECASE,
)
_SELF = re.compile(
    r"\b(?:what (?:can|could) you do|who are you|what are you|what model|introduce yourself|your rules"
    r"|are you (?:an? |really )?(?:ai|real|human|llm|bot|gpt))\b|^help\W*$",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"\bwhat (?:did|has|does) (?P<who>[\w-]+) (?:just )?(?:say|said|writes?|written|ask(?:ed)?|proposed?)\b"
    r"|\b(?:quote|repeat)(?: what)? (?P<whom>[\w-]+)(?:'s| said| wrote)?\b"
    r"|\bwhat was (?P<whose>my|your|the) (?P<which>first|last|previous)"
    r" (?:message|question|reply|answer|request)\b",
    re.IGNORECASE,
)
_FACT = re.compile(
    r"\b(?:what(?: is|'s| was)|tell me|do you (?:know|remember)) my ([\w ]{2,40}?)\s*\?*$", re.IGNORECASE
)
_TOLD = re.compile(
    r"^(?:please\s+)?(?:remember|note)(?:\s+that|\s+this)?[:,]?\s+(.{2,300})$", re.IGNORECASE | re.DOTALL
)
_MINE = re.compile(
    r"^(?:my ([\w ]{2,40}?) (?:is|are) (.{1,80}?)|i am called (\w+)|call me (\w+))[.!]*$", re.IGNORECASE
)
_WHO = re.compile(r"\bwho (?:has spoken|spoke|is here|else is here|takes part|is in this)\b", re.IGNORECASE)


def recall(scene: Scene) -> list[str] | None:
    """Answer from the conversation itself; None where the request asks for something else."""
    text = scene.request
    if not text and scene.last is not None and scene.last.by_person:
        text = scene.last.text
    if not text or len(text) > 500:
        return None
    greeted = scene.last is not None and _GREETING.match(scene.last.text.strip())
    if greeted:
        return _greeting(scene)
    if _SELF.search(text):
        return _myself(scene)
    if _WHO.search(text):
        names = list(dict.fromkeys(turn.who for turn in scene.talk.turns if turn.role != "system"))
        return [f"In this conversation: {join(names)}.", join(names)]
    return _said(scene, text) or _fact(scene, text) or _noted(text)


def _greeting(scene: Scene) -> list[str]:
    earlier = [turn for turn in scene.talk.turns if turn is not scene.last and turn.role != "system"]
    if not earlier:
        return ["Hello. I am the offline demo model, scripted and not an AI; ask me what I can do.", "Hello."]
    newest = earlier[-1]
    who = "me" if scene.talk.is_mine(newest) else newest.who
    remembered = plural(len(earlier), "message")
    return [
        f"Hello. I remember {remembered}; the newest is from {who}: {quote(newest.text, 10)}.",
        f"Hello. I remember {remembered}.",
        "Hello.",
    ]


def _myself(scene: Scene) -> list[str]:
    part = f" Here I play the {scene.role.value}." if scene.role.value != "assistant" else ""
    skills = "count, sort, calculate, quote, sum up, review, vote and tally"
    return [
        f"I am the offline demo model: a few rules, not an AI.{part} I keep to a number of words or lines;"
        f" I {skills}. Try “What is 17 * 23?” or “Write about rain”.",
        "I am the offline demo model: a few rules, not an AI.",
        "A few rules, no AI.",
    ]


def _said(scene: Scene, text: str) -> list[str] | None:
    asked = _SAID.search(text)
    if not asked:
        return None
    who = (asked["who"] or asked["whom"] or asked["whose"] or "").lower()
    earlier = [turn for turn in scene.talk.turns if turn is not scene.last and turn.role != "system"]
    if who in {"i", "my", "me"}:
        turns = [turn for turn in earlier if turn.by_person and not scene.talk.is_mine(turn)]
        subject = "You"
    elif who in {"you", "your", "yourself"}:
        turns, subject = [turn for turn in earlier if scene.talk.is_mine(turn)], "I"
    elif who == "the":
        turns, subject = earlier, ""
    else:
        turns = [turn for turn in earlier if turn.name.lower() == who]
        subject = turns[-1].name if turns else asked["who"] or asked["whom"] or ""
        if not turns and not asked["who"]:
            return None
    if not turns:
        whom = {"You": "you", "I": "me"}.get(subject, subject)
        return [f"I have no message from {whom} in memory.", "None."]
    turn = turns[0] if (asked["which"] or "").lower() == "first" else turns[-1]
    said = turn.text.replace("“", "‘").replace("”", "’")
    return [
        f"{subject or turn.who} said: “{said}”",
        f"{subject or turn.who} said {quote(turn.text)}.",
        clip(turn.text),
    ]


def _fact(scene: Scene, text: str) -> list[str] | None:
    asked = _FACT.search(text)
    if not asked:
        return None
    wanted = asked[1].strip().lower()
    for turn in reversed(scene.talk.turns):
        if turn is scene.last or scene.talk.is_mine(turn):
            continue
        told = re.search(rf"\bmy {re.escape(wanted)} (?:is|are|was) ([^.!?,;\n]+)", turn.text, re.IGNORECASE)
        if not told and wanted == "name":
            told = re.search(r"\b(?:i am called|call me) ([\w-]+)", turn.text, re.IGNORECASE)
        if told:
            return [f"You told me: your {wanted} is {told[1].strip()}.", told[1].strip()]
    return [f"Nobody told me your {wanted} in this conversation.", "Not told."]


def _noted(text: str) -> list[str] | None:
    told = _TOLD.match(text)
    if told:
        return [f"Noted: {quote(told[1], 24)}.", "Noted."]
    mine = _MINE.match(text)
    if mine:
        what, value = (mine[1], mine[2]) if mine[1] else ("name", mine[3] or mine[4])
        return [f"Noted: your {what} is {value}.", "Noted."]
    return None
