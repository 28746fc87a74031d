"""Reviewing another's text against what the critic's own prompt lets it measure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ._conversation import Turn
from ._limits import ABOVE, BELOW, NUMBER, Limits
from ._role import Role
from ._scene import Scene, is_request
from ._text import count_words, join, number, operand, plural, sentences, unquoted
from ._topic import mentions

__all__ = ["review", "to_cut"]

DEFAULT_LIMIT = 20
"""Words a text may have where a critic approves texts and its prompt names no measure."""

_APPROVING = re.compile(r"\b(?:approv\w*|accept\w*|APPROVED?|PASS(?:ED)?|OK|LGTM|DONE|GOOD|YES|FINE)\b")
_WORD = re.compile(
    r"\b(?i:reply|say|answer|respond|write|return|output|with|only|just|exactly|word)\s+"
    r"(?:(?i:with|only|exactly|just|the word)\s+)*[\"'“`*]*([A-Z][A-Z_]+)\b"
)
_CONDITION = re.compile(
    rf"(?P<below>{BELOW})\s+(?P<n1>{NUMBER})\s+(?:\w+\s)?words?"
    rf"|(?P<above>{ABOVE}|exceeds?|exceeding)\s+(?P<n2>{NUMBER})\s+(?:\w+\s)?words?"
    rf"|(?P<n3>{NUMBER})[- ]words?\s+"
    r"(?P<after>or fewer|or less|at most|max(?:imum)?\b|limit|or more|at least)",
    re.IGNORECASE,
)
_UPPER = frozenset({"or fewer", "or less", "at most", "max", "maximum", "limit"})
_WHEN = re.compile(r"\b(?:if|when|once|whenever|only if|as soon as)\b", re.IGNORECASE)
_REFUSING = re.compile(
    r"\b(?:unless|without|reject|refuse|cut|shorten|complain|decline|send back)\b", re.IGNORECASE
)
_STRICTLY = {"under": -1, "fewer than": -1, "less than": -1, "below": -1}
_BEYOND = {"more than", "over", "longer than", "exceeds", "exceed", "exceeding"}


@dataclass(frozen=True, slots=True)
class _Standard:
    """What a text must meet to be approved."""

    most: int | None = None
    least: int | None = None
    lines: int | None = None
    mentions: tuple[str, ...] = ()
    word: str = ""

    @property
    def empty(self) -> bool:
        return self.most is None and self.least is None and self.lines is None and not self.mentions


def review(scene: Scene) -> list[str] | None:
    """Review what was said last; None for other roles, or where I am asked and not shown a text."""
    if scene.role is not Role.CRITIC or scene.last is None:
        return None
    turn = _text_under_review(scene)
    if turn is None:
        return None
    standard = _standard(scene.talk.prompt)
    if scene.last.by_person and scene.last is not turn:
        standard = _tightened(standard, scene.last.text)
    if standard.empty and standard.word:
        standard = replace(standard, most=DEFAULT_LIMIT)
    if standard.empty:
        return _remarks(turn)
    faults = _faults(turn, standard)
    if not faults:
        return [
            standard.word or f"{_to(turn)}that is {plural(count_words(turn.text), 'word')}; nothing to cut."
        ]
    called = _to(turn)
    first, short = faults[0]
    text = " ".join([f"{called}{first}", *(one for one, _ in faults[1:])])
    return [
        _capital(text),
        _capital(f"{called}{'; '.join(one for _, one in faults)}."),
        _capital(f"{short}."),
    ]


def _text_under_review(scene: Scene) -> Turn | None:
    last = scene.last
    if last is None:
        return None
    if not last.by_person:
        return last
    given = (
        operand(scene.request)
        if re.match(r"(?:please\s+)?(?:review|check|judge|approve)\b", scene.request, re.I)
        else None
    )
    if given:
        return Turn("user", "", given)
    if re.match(r"(?:please\s+)?(?:review|check|again)\b", scene.request, re.IGNORECASE) or _CONDITION.search(
        last.text
    ):
        earlier = [turn for turn in scene.talk.turns if not turn.by_person and not scene.talk.is_mine(turn)]
        return earlier[-1] if earlier else None
    return None if is_request(last.text) or count_words(last.text) < 4 else last


def _standard(prompt: str) -> _Standard:
    word = _WORD.search(prompt)
    named = word[1] if word else ("APPROVED" if re.search(r"\bapprov", prompt, re.IGNORECASE) else "")
    found = _Standard(word=named)
    for sentence in sentences(unquoted(prompt)):
        found = _tightened(found, sentence)
        if not _WHEN.search(sentence):
            found = replace(found, lines=_demanded_lines(sentence) or found.lines)
        if re.search(
            r"\b(?:must|should|has to|needs to|have to|it|text|poem)\s+(?:also\s+)?(?:mention|include"
            r"|contain)",
            sentence,
        ):
            found = replace(
                found, mentions=(*found.mentions, *mentions(re.sub(r"\bcontains?\b", "include", sentence)))
            )
    return found


def _demanded_lines(sentence: str) -> int | None:
    if re.match(r"(?:reply|answer|respond|be|in)\b", sentence, re.IGNORECASE):
        return None
    return Limits.read(sentence).lines


def _tightened(standard: _Standard, sentence: str) -> _Standard:
    found = _CONDITION.search(sentence)
    if not found or (
        re.match(r"(?:reply|answer|respond|be brief|use|in)\b[^,;]*$", sentence.strip(), re.I)
        and not _WHEN.search(sentence)
    ):
        return standard
    count = number((found["n1"] or found["n2"] or found["n3"]).lower().removeprefix("a ").strip()) or 1
    below, above = (found["below"] or "").lower(), (found["above"] or "").lower()
    upper = bool(below) or (found["after"] or "").lower() in _UPPER
    count += _STRICTLY.get(below, 0) + (1 if above in _BEYOND else 0)
    if _wanted(sentence, found):
        return replace(standard, most=count) if upper else replace(standard, least=count)
    return replace(standard, least=count + 1) if upper else replace(standard, most=count - 1)


def _wanted(sentence: str, condition: re.Match[str]) -> bool:
    # "If <condition> reply APPROVED, else complain" wants it; "if <condition> complain" does not.
    when = _WHEN.search(sentence)
    if not when or when.start() > condition.start():
        return not _REFUSING.search(sentence[: condition.start()])
    before = re.split(r"\b(?:else|otherwise)\b|;", sentence[: when.start()], flags=re.IGNORECASE)[-1]
    after = re.split(r"\b(?:else|otherwise|if not)\b|;", sentence[condition.end() :], flags=re.IGNORECASE)[0]
    deed = before if len(re.findall(r"\w+", before)) > 1 and not re.search(r"[,.]\s*$", before) else after
    return bool(_APPROVING.search(deed))


def _faults(turn: Turn, standard: _Standard) -> list[tuple[str, str]]:
    faults: list[tuple[str, str]] = []
    size, lines = count_words(turn.text), len([line for line in turn.text.splitlines() if line.strip()])
    if standard.most is not None and size > standard.most:
        cuts = to_cut(turn.text, size - standard.most)
        what = join([f"“{one}”" for one in cuts]) if cuts else plural(size - standard.most, "word")
        faults.append(
            (
                f"that is {plural(size, 'word')}; the limit is {standard.most}. Cut {what}.",
                f"{plural(size, 'word')}, the limit is {standard.most}: cut {what}",
            )
        )
    if standard.least is not None and size < standard.least:
        short = f"that is {plural(size, 'word')}; at least {standard.least} are asked"
        faults.append((f"{short}. Add {plural(standard.least - size, 'word')}.", short))
    if standard.lines is not None and lines != standard.lines:
        short = f"that is {plural(lines, 'line')}; make it {plural(standard.lines, 'line')}"
        faults.append((f"{short}.", short))
    missing = [one for one in standard.mentions if one.lower() not in turn.text.lower()]
    return faults + [(f"{one} is missing; mention “{one}”.", f"mention “{one}”") for one in missing]


def _remarks(turn: Turn) -> list[str]:
    size = count_words(turn.text)
    lines = len([line for line in turn.text.splitlines() if line.strip()])
    form = f"{plural(size, 'word')} in {plural(lines, 'line')}" if lines > 1 else plural(size, "word")
    cuts = to_cut(turn.text, max(1, size // 5))
    advice = f" To be shorter, cut {join([f'“{one}”' for one in cuts])}." if cuts and size > 6 else ""
    called = _to(turn)
    measured = f"{called}that is {form}"
    return [
        _capital(f"{measured}.{advice} My prompt names no measure, so I approve nothing."),
        _capital(f"{measured}.{advice}"),
        _capital(f"{measured}."),
    ]


def _to(turn: Turn) -> str:
    return f"{turn.name}, " if turn.name and not turn.by_person else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("that is") else text


def to_cut(text: str, excess: int) -> list[str]:
    r"""Return phrases of ``text``, in its order, without which it is ``excess`` words shorter.

    The ends of lines after a comma go first, from the last line upwards; then what is left.

    >>> to_cut("Rain at dawn, grey and barely heard;\nthen rain again, softer than before.", 3)
    ['softer than before']
    """
    units = [line for line in text.splitlines() if line.strip()]
    if len(units) < 2:
        units = sentences(text)
    tails = {index: tail for index, unit in enumerate(units) if (tail := _tail(unit))}
    chosen: dict[int, str] = {}
    missing = excess
    for index in sorted(tails, reverse=True):
        if missing <= 0:
            break
        chosen[index] = tails[index]
        missing -= count_words(tails[index])
    for index in range(len(units) - 1, 0, -1):
        if missing <= 0:
            break
        missing -= count_words(units[index]) - count_words(chosen.get(index, ""))
        chosen[index] = units[index].strip(" .,;:!?")
    if missing > 0:
        tokens = text.split()
        return [" ".join(tokens[-excess:]).strip(" .,;:!?")] if excess < min(len(tokens), 40) else []
    spare = -missing
    for index in sorted(chosen):
        if index in tails and chosen[index] == tails[index] and count_words(chosen[index]) <= spare:
            spare -= count_words(chosen.pop(index))
    return [chosen[index] for index in sorted(chosen)]


def _tail(unit: str) -> str:
    # A tail holds at most half of its unit, so that a kernel is left.
    found = re.search(r"[,;:–—]\s+([^,;:–—]+?)[.,;:!?\s]*$", unit)
    if not found or "“" in found[1] or "”" in found[1] or '"' in found[1]:
        return ""
    tail = found[1].strip()
    return tail if count_words(tail) <= count_words(unit[: found.start()]) + 2 else ""
