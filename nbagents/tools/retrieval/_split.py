"""Cut lines into passages: whole paragraphs together, up to a size. Knows no kinds of files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["SIZE", "Section", "pieces"]

SIZE = 1200
"""Characters of a passage, at most."""
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*|\s+")


@dataclass(slots=True)
class Section:
    """Lines that belong together, the first of them with its number."""

    heading: str
    first: int
    lines: list[str] = field(default_factory=list)


def pieces(lines: Sequence[str], first: int = 1, size: int = SIZE) -> Iterator[tuple[str, int, int]]:
    r"""Yield passages of at most ``size`` characters with their first and last line.

    >>> list(pieces(["one", "two", "", "three"], size=8))
    [('one\ntwo', 1, 2), ('three', 4, 4)]
    """
    gathered: list[tuple[str, int, int]] = []
    length = 0
    for block in _blocks(lines, first, size):
        if gathered and length + len(block[0]) + 2 > size:
            yield _together(gathered)
            gathered, length = [], 0
        gathered.append(block)
        length += len(block[0]) + 2
    if gathered:
        yield _together(gathered)


def _together(blocks: Sequence[tuple[str, int, int]]) -> tuple[str, int, int]:
    text, start, end = blocks[0]
    for more, first, last in blocks[1:]:
        text += ("\n" if first <= end + 1 else "\n\n") + more
        end = last
    return text, start, end


def _blocks(lines: Sequence[str], first: int, size: int) -> Iterator[tuple[str, int, int]]:
    """Yield paragraphs, and parts of those that are too long."""
    kept: list[str] = []
    start, length = first, 0
    for number, line in enumerate(lines, first):
        if not line.strip() or (kept and length + len(line) + 1 > size):
            if kept:
                yield "\n".join(kept), start, number - 1
            kept, length = [], 0
            if not line.strip():
                continue
        if len(line) > size:
            for part in _parts(line.strip(), size):
                yield part, number, number
            continue
        if not kept:
            start = number
        kept.append(line.rstrip())
        length += len(line) + 1
    if kept:
        yield "\n".join(kept), start, first + len(lines) - 1


def _parts(line: str, size: int) -> Iterator[str]:
    """Cut a very long line, after a sentence or a word where that can be."""
    while len(line) > size:
        ends = [found.end() for found in _SENTENCE.finditer(line, size // 2, size)]
        at = ends[-1] if ends else size
        yield line[:at].strip()
        line = line[at:].lstrip()
    if line:
        yield line
