r"""Find in a text the ``{fields}`` that could be filled in, and leave everything else as it is typed.

A field is a name, then attributes and items, then perhaps ``!r`` and ``:.2f``: ``{topic}``,
``{msg.content}``, ``{d["k"]}``, ``{rows[-1]}``, ``{price:.2f}``. No calls, no expressions. Whether
there is a variable of that name is not known here.

Braces of other kinds are no fields: JSON and code by their form, ``${HOME}`` by its dollar, LaTeX
by where it stands: right after a command or its argument (``\frac{a}{b}``), after ``^``, after
``_`` with a command or a single letter before it (``x_{i}``), or within a formula (``$…$``,
``\[…\]``). What stands inside the braces of a command outside formulas is text again, so that
``\textbf{{topic}}`` can be filled.

``{{name}}`` is how to write ``{name}`` itself; no other doubled brace is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Escape", "Field", "Step", "scan"]

_NAME = r"[^\W\d]\w*"
_ITEM = r"\[(?:-?\d+|\"[^\"\\\[\]{}\n]*\"|'[^'\\\[\]{}\n]*')\]"
# A bare width ({a: 1}, {a:1}) would make fields of sets and mappings; it must come with a 0, an
# alignment, a sign, a precision or a type.
_SPEC = r"(?=\d*[^\d}]|0)(?:[^{}\s]?[<>=^])?[-+]?z?\#?0?\d*[,_]?(?:\.\d+)?[bcdeEfFgGnosxX%]?|%[^{}\n]+"
_FIELD = (
    rf"(?P<root>{_NAME})(?P<path>(?:\.{_NAME}|{_ITEM})*)(?:!(?P<conversion>[rsa]))?(?::(?P<spec>{_SPEC}))?"
)
_PLAIN = re.compile(rf"\{{{_FIELD}\}}")
_DOUBLED = re.compile(rf"\{{\{{({_FIELD})\}}\}}")
_STEP = re.compile(rf"\.(?P<attribute>{_NAME})|\[(?P<item>[^\]]*)\]")

_BEFORE_LATEX = re.compile(r"\\[A-Za-z]+(?:\*?(?:\[[^\[\]{}]*\])*|_)$|(?<!\w)[A-Za-z]_$|\^$")
_LONGEST_COMMAND = 200
_FORMULA = re.compile(
    r"""
      \$\$ .{1,4000}? \$\$
    | \\\[ .{1,4000}? \\\]
    | \\\( .{1,4000}? \\\)
    | \\begin\{(?P<name>\w+\*?)\} .{1,4000}? \\end\{(?P=name)\}
    | (?<![\\$\w]) \$ (?=\S) (?=[^$\n]*[\\^_]) [^$\n]*? (?<=\S) \$ (?!\d)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step into a value: an attribute by name, or an item by key or number."""

    key: str | int
    is_item: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field as found: ``source`` is what stands between its braces.

    ``start`` and ``end`` span what its value takes the place of.
    """

    source: str
    root: str
    path: str
    conversion: str
    spec: str
    start: int
    end: int

    @property
    def target(self) -> str:
        """The value it names, without conversion and format."""
        return self.root + self.path

    @property
    def is_simple(self) -> bool:
        """Whether it is a bare name."""
        return self.source == self.root

    @property
    def steps(self) -> tuple[Step, ...]:
        """The way from the variable to the value."""
        return tuple(
            Step(_key(found["item"]), is_item=True) if found["item"] is not None else Step(found["attribute"])
            for found in _STEP.finditer(self.path)
        )


@dataclass(frozen=True, slots=True)
class Escape:
    """A doubled field: ``text`` is what it stands for, in single braces."""

    text: str
    start: int
    end: int


def scan(text: str) -> Iterator[Field | Escape]:
    """Find the fields of ``text`` and the doubled ones, from left to right, none within another.

    >>> [found.source for found in scan('{topic} {"a": 1} ${HOME} {rows[-1]} {price:.2f}')]
    ['topic', 'rows[-1]', 'price:.2f']
    """
    formulas = _spans(text)
    latex: list[bool] = []
    after_argument = -1
    at = 0
    while (found := _next_brace(text, at)) >= 0:
        at = found + 1
        if text[found] == "}":
            if latex and latex.pop():
                after_argument = at
            continue
        if text[found - 1 : found] == "$":
            while text[at : at + 1] == "{":
                at += 1
            latex += [False] * (at - found)
            continue
        if any(start <= found < end for start, end in formulas):
            latex.append(False)
            continue
        if found - (text[found - 1 : found] == "_") == after_argument or _belongs_to_latex(text, found):
            latex.append(True)
            continue
        tripled = text.startswith("{{{", found) and _PLAIN.match(text, found + 2)
        if tripled and text.startswith("}}", tripled.end()):
            # As in an f-string: a brace, the value, a brace.
            yield _field(tripled, wider=1)
            latex.append(False)
            at = tripled.end() + 1
        elif doubled := _DOUBLED.match(text, found):
            yield Escape(f"{{{doubled[1]}}}", found, doubled.end())
            at = doubled.end()
        elif plain := _PLAIN.match(text, found):
            yield _field(plain)
            at = plain.end()
        else:
            latex.append(False)


def _next_brace(text: str, at: int) -> int:
    opening, closing = text.find("{", at), text.find("}", at)
    return max(opening, closing) if min(opening, closing) < 0 else min(opening, closing)


def _spans(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in _FORMULA.finditer(text)]


def _belongs_to_latex(text: str, at: int) -> bool:
    return _BEFORE_LATEX.search(text[max(0, at - _LONGEST_COMMAND) : at]) is not None


def _field(found: re.Match[str], wider: int = 0) -> Field:
    return Field(
        found[0][1:-1],
        found["root"],
        found["path"] or "",
        found["conversion"] or "",
        found["spec"] or "",
        found.start() - wider,
        found.end() + wider,
    )


def _key(item: str) -> str | int:
    return item[1:-1] if item[0] in "'\"" else int(item)
