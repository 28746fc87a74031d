"""Writing to order, and rewriting as the others ask: shorter, with the sea in it, one more line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from ._conversation import Turn
from ._limits import Limits
from ._role import Role
from ._scene import Scene, is_question, is_request
from ._text import count_words, quote, quoted, sentences, upper_first
from ._topic import is_commission, mentions, topic
from ._verse import MOST_LINES, compose, extra_line

__all__ = ["shortened", "write"]

_APPROVED = re.compile(
    r"\b(?:APPROVED?|ACCEPT(?:ED)?|LGTM|PASS(?:ED)?)\b|\bapproved\b|\bwell done\b|\blooks good\b"
)
_CUT = re.compile(r"\b(?:cut|remove|drop|delete|lose|omit|leave out)\b", re.IGNORECASE)
_PLACE = re.compile(
    r"\b(?:cut|remove|drop|delete|omit)\s+the\s+(first|second|third|fourth|last)\s+(line|sentence)\b",
    re.IGNORECASE,
)
_PLACES = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
_SHORTER = re.compile(
    r"\b(?:shorter|shorten|too long|too many words|fewer words|more briefly|tighten)\b", re.IGNORECASE
)
_LONGER = re.compile(r"\b(?:longer|lengthen|too short|expand)\b", re.IGNORECASE)
_AGAIN = re.compile(
    r"^(?:another|again|a different|once more|try again|new version|one more (?:poem|try|version))\b", re.I
)
_REPLACE = re.compile(r"\breplace\s+(.+?)\s+(?:with|by)\s+(.+?)[.!]?$", re.IGNORECASE | re.MULTILINE)
_POETIC = re.compile(r"\b(?:poem|poetry|haiku|verses?|ode|rhymes?|song|lines)\b", re.IGNORECASE)
_COMMISSION = re.compile(
    r"(?:write|compose|create|draft|make)\b(?: me)?(?: about\b"
    r"|[^.?!:]*\b(?:poem|haiku|verses?|ode|song|story|tale|rhymes?|lines?|text|paragraphs?|sentences?)\b"
    r"[^.?!:]*\b(?:about|on|of|for)\b)",
    re.IGNORECASE,
)
_HAIKU = re.compile(r"\bhaiku\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Order:
    """What was ordered so far: the commission's own words, and everything that was asked since."""

    text: str
    mentions: tuple[str, ...]
    remarks: tuple[Turn, ...]
    draft: str
    turn: int


def write(scene: Scene) -> str | None:
    """Write or rewrite a text; None where nothing of that kind is asked of me."""
    writing = scene.role in {Role.POET, Role.WRITER, Role.REVISER} or _COMMISSION.match(scene.request)
    if scene.last is None or not writing:
        return None
    order = _order(scene)
    if order is None:
        return None
    if order.draft and order.remarks and order.remarks[-1] is scene.last:
        return _reworked(scene, order, scene.last)
    return _composed(scene, order)


def _order(scene: Scene) -> _Order | None:
    turns = list(scene.talk.turns)
    others = [turn for turn in turns if not scene.talk.is_mine(turn) and turn.role not in {"system", "tool"}]
    orders = [
        turn for turn in others if (turn.by_person or is_request(turn.text)) and is_commission(turn.text)
    ]
    if not orders:
        orders = [turn for turn in others if turn.by_person and not is_question(turn.text)][:1]
    if not orders and others and not scene.request:
        orders = others[:1]
    if not orders:
        return None
    start = next(index for index, turn in enumerate(turns) if turn is orders[-1])
    later = [turn for turn in turns[start + 1 :] if turn in others]
    drafts = [turn.text for turn in turns[start + 1 :] if scene.talk.is_mine(turn)]
    wanted = mentions(orders[-1].text)
    for turn in later:
        wanted += mentions(turn.text)
    again = sum(bool(_AGAIN.match(turn.text)) for turn in later)
    if not drafts:  # others wrote before me: not the same verse once more
        again += sum(not turn.by_person for turn in later)
    elif not later:  # asked once more, and nothing was said since
        again += len(drafts)
    draft = drafts[-1] if drafts else ""
    return _Order(orders[-1].text, tuple(dict.fromkeys(wanted)), tuple(later), draft, again)


def _measure(scene: Scene, order: _Order) -> Limits:
    # A limit that a remark once set stays in force for this text.
    limits = Limits.read(scene.talk.prompt).then(Limits.read(order.text))
    for turn in scene.heard:
        if turn.role == "system" and turn.text != order.text:
            limits = limits.then(Limits.read(turn.text))
    for turn in order.remarks:
        said = Limits.complaint(turn.text)
        if said.words_max:
            limits = limits.then(Limits(words_max=said.words_max))
        if said.words_min or said.lines:
            limits = limits.then(Limits(words_min=said.words_min, lines=said.lines))
        if turn.by_person and not Limits.read(turn.text).more:
            limits = limits.then(Limits.read(turn.text))
    return limits


def _composed(scene: Scene, order: _Order, *, room: int | None = None, more: int = 0) -> str:
    limits = _measure(scene, order)
    haiku = _HAIKU.search(f"{scene.talk.prompt} {order.text}")
    lines = None if limits.more else limits.lines
    count = (lines or (3 if haiku else 4)) + more
    least = limits.words_exact or limits.words_min
    if least and not lines:
        count = max(1, ceil(least / 7)) if limits.words_exact else max(count, ceil(least / 6))
    rooms = [one for one in (limits.words_max, room) if one]
    verse = compose(
        topic(order.text),
        mentions=order.mentions,
        lines=min(max(count, limits.sentences or 0), MOST_LINES),
        room=min(rooms) if rooms else None,
        exact=limits.words_exact,
        turn=order.turn,
    )
    if limits.words_min and verse.size < limits.words_min and not rooms:
        verse = verse.filled(limits.words_min)
    text = _phrased(scene, order, verse.text, limits)
    while limits.characters and len(text) > limits.characters and count_words(text) > 1:
        verse = verse.within(verse.size - 1)
        text = _phrased(scene, order, verse.text, limits)
    return text


def _phrased(scene: Scene, order: _Order, text: str, limits: Limits) -> str:
    lines = [line.rstrip(";.") for line in text.splitlines()]
    prose = scene.role is not Role.POET and not _POETIC.search(f"{scene.talk.prompt} {order.text}")
    if limits.sentences or prose:
        wanted = min(limits.sentences or len(lines), len(lines))
        bounds = [round(index * len(lines) / wanted) for index in range(wanted + 1)]
        groups = ["; ".join(lines[start:end]) for start, end in pairwise(bounds)]
        return " ".join(f"{upper_first(group)}." for group in groups)
    return text


def _reworked(scene: Scene, order: _Order, remark: Turn) -> str | None:
    said, limits = remark.text, _measure(scene, order)
    own = Limits.read(said) if remark.by_person else Limits.complaint(said)
    size = count_words(order.draft)
    if Limits.read(said).more and remark.by_person:
        count = Limits.read(said).lines or 1
        return "\n".join(
            extra_line(topic(order.text), len(scene.mine) + index) for index in range(min(count, MOST_LINES))
        )
    if _REPLACE.search(said):
        return _replaced(order.draft, said)
    if _AGAIN.match(said) or mentions(said):
        return _composed(scene, order)
    if _CUT.search(said) or own.words_max:
        return _cut(scene, order, said, limits)
    if own != Limits():
        return _composed(scene, order)
    if _SHORTER.search(said):
        return _composed(scene, order, room=max(1, size * 2 // 3))
    if _LONGER.search(said):
        return _composed(scene, order, more=max(1, len(order.draft.splitlines()) // 2))
    if _APPROVED.search(said):
        return order.draft
    if scene.request:
        return None
    return f"{remark.who} says {quote(said, 10)}; I can measure nothing in that and keep:\n{order.draft}"


def _unlined(text: str, said: str) -> str:
    """Return ``text`` without the lines or sentences that a remark names by their place."""
    for which, unit in _PLACE.findall(said):
        parts = text.splitlines() if unit.lower() == "line" else sentences(text)
        index = _PLACES.get(which.lower(), -1)
        if len(parts) > 1 and index < len(parts):
            del parts[index]
            text = ("\n" if unit.lower() == "line" else " ").join(parts)
    return re.sub(r"[,;:]\s*$", ".", text)


def _cut(scene: Scene, order: _Order, said: str, limits: Limits) -> str:
    cut = shortened(_unlined(order.draft, said), quoted(said) if _CUT.search(said) else [])
    room = limits.word_room
    fits = room is None or count_words(cut) <= room
    lines = None if limits.more else limits.lines
    kept_form = (
        not lines
        or bool(_PLACE.search(said))
        or len(cut.splitlines()) == lines
        or (room or lines * 3) < lines * 3
    )
    if cut != order.draft and fits and kept_form:
        return cut
    return _composed(scene, order, room=room or max(1, count_words(order.draft) * 2 // 3))


def _replaced(draft: str, said: str) -> str:
    for old, new in _REPLACE.findall(said):
        wanted = r"\s+".join(re.escape(word) for word in old.strip(" “”\"'‘’").split())
        parts = re.split(rf"(?<!\w){wanted}(?!\w)", draft, flags=re.IGNORECASE)
        draft = new.strip(" “”\"'‘’").join(parts)
    return draft


def shortened(text: str, phrases: list[str]) -> str:
    """Return ``text`` without the given phrases, with the commas before them, and without empty lines.

    >>> shortened("then rain again, softer than before.", ["softer than before"])
    'then rain again.'
    """
    capital = text[:1].isupper()
    for phrase in phrases:
        spaced = r"[\s/]+".join(re.escape(word) for word in phrase.split())
        if spaced:
            text = re.sub(
                rf"(?:\s*[,;:–—]\s*|\s+|^){spaced}(?!\w)", "", text, flags=re.IGNORECASE | re.MULTILINE
            )
    lines = [re.sub(r"^[,;:.\s]+", "", line).rstrip() for line in text.splitlines()]
    lines = [line for line in lines if re.search(r"\w", line)]
    kept = "\n".join(lines)
    if kept and kept[-1] in ",;:":
        kept = kept[:-1] + "."
    return upper_first(kept) if capital else kept
