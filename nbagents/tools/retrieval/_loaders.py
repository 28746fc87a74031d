"""Read files into passages, each kind of file in its way. Knows no index and no folder."""

from __future__ import annotations

import codecs
import io
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ._passage import Passage
from ._split import SIZE, Section, pieces

__all__ = ["KINDS", "Unreadable", "largest", "passages_of"]

_TEXT, _LARGE = 5_000_000, 50_000_000
PAGES, PDF_SECONDS = 2000, 60.0
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*\Z")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_DEFINITION = re.compile(r"(?:async\s+def|def|class)\s+(\w+)")


class Unreadable(Exception):
    """A file holds nothing that can be read; the text says why."""


def passages_of(kind: str, data: bytes, *, outputs: bool = False) -> list[Passage]:
    """Return the passages of a file of that kind (the end of its name), without their source.

    ``outputs``: those of a notebook's cells too.

    Raises:
        Unreadable: it is damaged, or something else than its name says.
    """
    if kind == ".ipynb":
        return list(_notebook(_decoded(data), outputs))
    if kind == ".pdf":
        return list(_pdf(data))
    lines = _decoded(data).splitlines()
    return [
        Passage(f"{lines[0]}\n{text}" if kind in _TABLES and start > 1 else text, heading=section.heading,
                first=start, last=end)
        for section in KINDS[kind](lines)
        for text, start, end in pieces(section.lines, section.first)
    ]  # fmt: skip


def largest(kind: str) -> int:
    """Return how many bytes a file of that kind may have."""
    return _LARGE if kind in (".ipynb", ".pdf") else _TEXT


def _decoded(data: bytes) -> str:
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Unreadable("no text in UTF-8")
    return text


def _plain(lines: Sequence[str]) -> Iterator[Section]:
    yield Section("", 1, list(lines))


def _markdown(lines: Sequence[str]) -> Iterator[Section]:
    """Yield a section for each heading; its path of headings is its own."""
    path: list[tuple[int, str]] = []
    begin = _after_front_matter(lines)
    section, fence = Section("", begin + 1), ""
    for number, line in enumerate(lines[begin:], begin + 1):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        heading = None if fence else _HEADING.match(line)
        if heading:
            yield section
            depth = len(heading[1])
            path = [*((level, text) for level, text in path if level < depth), (depth, heading[2])]
            section = Section(" › ".join(text for _, text in path if text), number)
        else:
            if not section.lines and not line.strip():
                section.first = number + 1
                continue
            section.first = section.first if section.lines else number
            section.lines.append(line)
    yield section


def _after_front_matter(lines: Sequence[str]) -> int:
    if lines and lines[0].strip() == "---":
        for number, line in enumerate(lines[1:60], 2):
            if line.strip() in ("---", "..."):
                return number
    return 0


def _python(lines: Sequence[str]) -> Iterator[Section]:
    section = Section("", 1)
    for number, line in enumerate(lines, 1):
        found = _DEFINITION.match(line)
        if found:
            yield section
            section = Section(found[1], number)
        section.lines.append(line)
    yield section


def _table(lines: Sequence[str]) -> Iterator[Section]:
    """Yield parts that leave room for the names of the columns."""
    room = max(SIZE - len(lines[0]) - 1, SIZE // 2) if lines else SIZE
    for text, start, end in pieces(lines, 1, room):
        yield Section("", start, text.split("\n") if end > start else [text])


_TABLES = (".csv", ".tsv")
_PLAIN = """
    .txt .text .rst .org .tex .log .json .jsonl .toml .yaml .yml .ini .cfg .sql .r .jl .js .ts .c .h .cpp
    .hpp .java .go .rs .sh .css .srt .vtt .bib
"""
KINDS: dict[str, Callable[[Sequence[str]], Iterator[Section]]] = {
    **dict.fromkeys((".md", ".markdown", ".mdx", ".qmd"), _markdown),
    **dict.fromkeys((".py", ".pyi"), _python),
    **dict.fromkeys(_TABLES, _table),
    **dict.fromkeys(_PLAIN.split(), _plain),
    **dict.fromkeys((".ipynb", ".pdf"), _plain),
}
"""What is read, by the end of a file's name."""


def _notebook(text: str, outputs: bool) -> Iterator[Passage]:
    try:
        found = json.loads(text)
        cells = found["cells"]
        language = found.get("metadata", {}).get("kernelspec", {}).get("language", "code")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise Unreadable("no notebook of format 4") from None
    if not isinstance(cells, list):
        raise Unreadable("no notebook of format 4")
    heading = ""
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict):
            continue
        lines = _joined(cell.get("source")).splitlines()
        if cell.get("cell_type") == "markdown":
            for section in _markdown(lines):
                heading = section.heading or heading
                for part, start, end in pieces(section.lines, section.first):
                    yield Passage(part, heading=heading, cell=number, first=start, last=end)
            continue
        for part, start, end in pieces(lines):
            yield Passage(part, heading=heading or str(language), cell=number, first=start, last=end)
        if outputs:
            for part, _, _ in pieces(_outputs(cell)):
                yield Passage(part, heading=f"{heading} (output)".strip(), cell=number)


def _outputs(cell: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for output in cell.get("outputs") or ():
        if isinstance(output, dict):
            data = output.get("data")
            plain = data.get("text/plain") if isinstance(data, dict) else None
            lines += _joined(output.get("text") or plain).splitlines()
    return lines


def _joined(source: Any) -> str:
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _pdf(data: bytes) -> Iterator[Passage]:
    try:
        import pypdf
    except ImportError:
        raise Unreadable("a PDF needs: pip install 'jupyter-nbagents[pdf]'") from None
    limit, found = time.monotonic() + PDF_SECONDS, False
    try:
        for number, page in enumerate(pypdf.PdfReader(io.BytesIO(data)).pages, 1):
            if number > PAGES or time.monotonic() > limit:
                break
            lines = page.extract_text().splitlines()
            for text, _, _ in pieces(lines):
                found = True
                yield Passage(text, page=number)
    except Exception as error:  # noqa: BLE001  # what others wrote into a PDF breaks its reader in many ways
        raise Unreadable(f"a PDF that cannot be read: {type(error).__name__}") from None
    if not found:
        raise Unreadable("a PDF without text")
