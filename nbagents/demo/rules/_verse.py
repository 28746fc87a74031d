"""Composing lines about a topic, to a number of lines and of words.

Every line is a kernel and a tail after a comma; the tail can go and the line still stands. That
is what lets a verse be shortened the way a person would do it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ._text import count_words, upper_first

__all__ = ["Verse", "compose", "extra_line"]

MOST_LINES = 40

_STANZAS = (
    (
        ("{T} from afar", "a single thin line"),
        ("the pencil follows", "unsure of its hand"),
        ("each page turns", "lighter than the last"),
        ("then {t} nearby", "plain as day"),
    ),
    (
        ("{T} at dawn", "grey and barely heard"),
        ("the window listens", "pane by patient pane"),
        ("one lamp answers", "a little too late"),
        ("then {t} again", "softer than before"),
    ),
    (
        ("{T} and silence", "old friends at table"),
        ("neither speaks first", "neither wants to win"),
        ("bread is broken", "the evening turns blue"),
        ("{t} and morning", "still good friends"),
    ),
    (
        ("Once more {t}", "the same and new"),
        ("shoes by doors", "coats across a chair"),
        ("two cups wait", "one already half full"),
        ("{t} for company", "nothing to add"),
    ),
    (
        ("Only {t} tonight", "and nothing else moves"),
        ("one chair waits", "turned toward the door"),
        ("the clock stops", "or seems to stop"),
        ("{t} once more", "almost a song"),
    ),
)
_MENTIONS = (
    ("and {m}", "patient and far off"),
    ("with {m}", "waiting its turn"),
    ("under {m}", "unasked and clear"),
)
_EXTRA = (
    "and yet {t}, one line further on",
    "beneath it all {t}, still being counted",
    "once more {t}, as if nobody had asked",
    "last of all {t}, and the page is full",
)
_PADS = ("still", "once more", "and once more")
_LONG_PADS = ("as it was before", "while the street sleeps", "until the light goes", "with nothing to prove")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a kernel, a tail that may be empty, and whether the line was asked for."""

    kernel: str
    tail: str = ""
    wanted: bool = False

    @property
    def text(self) -> str:
        """Return the line without its last mark."""
        return f"{self.kernel}, {self.tail}" if self.tail else self.kernel


@dataclass(frozen=True, slots=True)
class Verse:
    """Lines of verse, the first of them about the topic."""

    topic: str
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """Return the lines as they are said: a full stop ends a stanza, a semicolon any other line."""
        said = [re.sub(r"[;,.\s]+$", "", line.text) for line in self.lines]
        ends = [".\n" if following[:1].isupper() else ";\n" for following in said[1:]]
        return "".join(line + end for line, end in zip(said, [*ends, "."], strict=True))

    @property
    def size(self) -> int:
        """Return the number of words."""
        return sum(count_words(line.text) for line in self.lines)

    def within(self, room: int) -> Verse:
        """Return the verse in at most ``room`` words.

        Tails go first, from the end, then whole lines; what must be mentioned goes last.
        """
        lines = list(self.lines)
        for index in sorted(range(len(lines)), key=lambda place: (lines[place].wanted, -place)):
            if Verse(self.topic, tuple(lines)).size <= room:
                break
            lines[index] = replace(lines[index], tail="")
        while Verse(self.topic, tuple(lines)).size > room:
            spare = [index for index in range(1, len(lines)) if not lines[index].wanted]
            if not spare:
                return self._bare(lines, room)
            lines.pop(spare[-2] if len(spare) > 1 else spare[-1])
        return Verse(self.topic, tuple(lines))

    def _bare(self, lines: list[Line], room: int) -> Verse:
        # Not even the kernels fit: what is left are the topic and what must be mentioned.
        said = [upper_first(self.topic), *(line.kernel for line in lines if line.wanted)]
        kept = [lines[0].kernel] if len(said) == 1 else [" ".join(said)]
        return Verse(self.topic, (Line(" ".join(kept[0].split()[:room])),))

    def filled(self, count: int) -> Verse:
        """Return the verse with words added to its last line until there are ``count``."""
        missing, turn = count - self.size, 0
        *before, last = self.lines
        while missing > 0:
            pad = _PADS[missing - 1] if missing <= len(_PADS) else _LONG_PADS[turn % len(_LONG_PADS)]
            last = replace(last, tail=f"{last.tail}, {pad}" if last.tail else pad)
            missing, turn = missing - count_words(pad), turn + 1
        return Verse(self.topic, (*before, last))


def compose(
    topic: str,
    *,
    mentions: Sequence[str] = (),
    lines: int = 4,
    room: int | None = None,
    exact: int | None = None,
    turn: int = 0,
) -> Verse:
    """Compose ``lines`` lines about ``topic``; the same arguments give the same lines.

    Args:
        topic: Woven into the first and the last line of each stanza.
        mentions: Woven into a line of their own.
        lines: How many lines.
        room: The largest number of words.
        exact: The exact number of words; fewer lines are made where so few words need it.
        turn: Which of the possible verses.

    >>> print(compose("rain", room=20).text)
    Rain at dawn, grey and barely heard;
    the window listens, pane by patient pane;
    one lamp answers;
    then rain again.
    """
    topic = topic or "nothing yet"
    start = zlib.crc32(topic.lower().encode()) + turn
    wanted = max(1, min(lines, MOST_LINES))
    drawn = _draw(topic, start, wanted)
    for index, mention in enumerate(list(mentions)[: len(_MENTIONS)]):
        kernel, tail = (part.format(m=_flat(mention)) for part in _MENTIONS[index])
        place = len(drawn) - 2 - index
        if place > 0:
            drawn[place] = Line(kernel, tail, wanted=True)
        else:
            drawn.insert(max(len(drawn) - 1, 1), Line(kernel, tail, wanted=True))
    while len(drawn) > wanted:
        spare = [place for place in range(1, len(drawn)) if not drawn[place].wanted]
        if not spare:
            drawn = [Line(", ".join(line.kernel for line in drawn))]
            break
        drawn.pop(spare[-1])
    verse = Verse(_flat(topic), tuple(drawn))
    if exact:
        return verse.within(exact).filled(exact)
    return verse.within(room) if room else verse


def extra_line(topic: str, turn: int) -> str:
    """Return one more line about ``topic``."""
    return upper_first(_EXTRA[turn % len(_EXTRA)].format(t=_flat(topic))) + "."


def _draw(topic: str, start: int, wanted: int) -> list[Line]:
    drawn: list[Line] = []
    stanza = 0
    while len(drawn) < wanted:
        four = [_filled(pair, topic) for pair in _STANZAS[(start + stanza) % len(_STANZAS)]]
        rest = wanted - len(drawn)
        drawn += (
            four if rest >= 4 else {1: four[:1], 2: [four[0], four[3]], 3: [four[0], four[1], four[3]]}[rest]
        )
        stanza += 1
    return drawn


def _filled(pair: tuple[str, str], topic: str) -> Line:
    kernel, tail = (part.format(t=_flat(topic), T=_flat(upper_first(topic))) for part in pair)
    return Line(kernel, tail)


def _flat(text: str) -> str:
    return " ".join(text.split())
