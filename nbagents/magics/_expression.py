"""Read a pipeline's expression: ``a -> (b, c)*2 -> judge``, or ``sequential a b``, ``parallel a b``.

Knows the shape only: whether an agent of a name exists is the runner's business. The grammar::

    expression = step { "->" step } [ "->" form ] | form
    step       = ( NAME | "(" expression { "," expression } [","] ")" ) [ "*" NUMBER ]
    form       = "if" CONDITION expression { "elif" CONDITION expression } [ "else" expression ]
               | "switch" CONDITION "case" VALUE expression { "case" VALUE expression } [ "else" expression ]

``→`` may be written for ``->``, as the run card shows it. Brackets around one expression group;
a comma makes them a fan-out. What follows ``else`` goes on to the end, or to the closing bracket.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..exceptions import UsageError
from ._branches import FORMS, after_value, begins_form, condition_ahead
from ._faults import misplaced, ordinal
from ._names import EVERYONE, normal
from ._nodes import Agent, Branch, Choice, FanOut, Node, Repeat, Sequence, Value

__all__ = ["SYNONYMS", "parse_expression", "synonym_of"]

SYNONYMS = ("sequential", "parallel", "loop")
_TOKEN = re.compile(r"(?P<arrow>->|→)|(?P<name>[^\W\d]\w*)|(?P<number>\d+)|(?P<sign>[(),*])|(?P<other>\S)")
_FOREIGN = "is no part of an expression; a -> b is one after the other, (a, b) both at once"
_CONDITION = {
    "if": "if \"'urgent' in msg.content\" editor else poet",
    "switch": 'switch "msg.name" case poet critic else editor',
}
_ELSE = ("else", "elif")
_DEEPEST = 50
_MOST = 1000


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse_expression(text: str, *, magic: str = "%%pipeline") -> Node:
    """Return the pipeline that ``text`` writes.

    >>> str(parse_expression("poet->(optimist,pessimist) -> judge * 2"))
    'poet -> (optimist, pessimist) -> judge*2'
    >>> str(parse_expression("parallel a b"))
    '(a, b)'
    >>> print(parse_expression("critic -> if 'OK' in msg.content editor else poet"))
    critic -> if "'OK' in msg.content" editor else poet

    Raises:
        UsageError: It is none; the message quotes it with a caret under the place.
    """
    parser = _Parser(text.strip(), magic)
    return parser.synonym() if synonym_of(text) else parser.whole()


def synonym_of(text: str) -> str | None:
    """Return the synonym that begins ``text``: one of `SYNONYMS` where agents follow it, else None."""
    match _tokens(text)[:2]:
        case [first, follows] if first.text in SYNONYMS and (follows.kind == "name" or follows.text == "("):
            return first.text
    return None


def _tokens(text: str) -> list[_Token]:
    return [_Token(str(found.lastgroup), found.group(), found.start()) for found in _TOKEN.finditer(text)]


class _Parser:
    """One pass over the tokens of one expression."""

    def __init__(self, text: str, magic: str) -> None:
        self.text = text
        self.magic = magic
        self.tokens = _tokens(text)
        self.position = 0
        self.open: list[_Token] = []

    @property
    def token(self) -> _Token | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def has(self, text: str) -> bool:
        """Take the next token if it is this one."""
        here = self.token
        taken = here is not None and (here.text == text or (text == "->" and here.kind == "arrow"))
        self.position += taken
        return taken

    def fault(self, what: str, token: _Token | None = None) -> UsageError:
        at = token.at if token else len(self.text)
        return misplaced(self.magic, self.text, at, what)

    def whole(self) -> Node:
        node = self.expression()
        extra = self.token
        if extra is not None:
            raise self.fault(self.surplus(extra), extra)
        return node

    def synonym(self) -> Node:
        word = self.tokens[0].text
        self.position = 1
        steps = []
        while (here := self.token) is not None:
            if here.kind == "arrow":
                raise self.fault(f"{word} lists its agents without {here.text}", here)
            steps.append(self.step())
            while self.has(","):
                pass
        if len(steps) == 1:
            return steps[0]
        return FanOut(tuple(steps)) if word == "parallel" else Sequence(tuple(steps))

    def expression(self) -> Node:
        steps = [self.form() or self.step()]
        while self.has("->"):
            steps.append(self.form() or self.step())
        return steps[0] if len(steps) == 1 else Sequence(tuple(steps))

    def form(self) -> Node | None:
        """Read an ``if`` or a ``switch`` where one begins."""
        here = self.token
        if here is None or here.text not in FORMS:
            return None
        if here.text == "switch" and not begins_form(self.text[here.at + len("switch") :]):
            return None
        return self.deeper(here, self.branch if here.text == "if" else self.choice)

    def branch(self, here: _Token) -> Node:
        condition = self.condition(here)
        then, other = self.expression(), None
        follows = self.token
        if follows is not None and follows.text == "elif":
            other = self.deeper(follows, self.branch)
        elif self.has("else"):
            other = self.otherwise()
        return Branch(condition, then, other)

    def choice(self, here: _Token) -> Node:
        subject = self.condition(here, until="case")
        cases: list[tuple[Value, Node]] = []
        while (each := self.token) is not None and self.has("case"):
            found = after_value(self.text[each.at + len("case") :], self.magic)
            if found is None:
                raise self.fault("case what? case poem poet", each)
            self.skip(each.at + len("case") + found[1])
            if any(found[0] == value for value, _ in cases):
                raise self.fault(f"case {found[0]} is there twice", each)
            cases.append((found[0], self.expression()))
        return Choice(subject, tuple(cases), self.otherwise() if self.has("else") else None)

    def otherwise(self) -> Node:
        if self.token is not None and self.token.text == ":":
            self.position += 1
        return self.expression()

    def condition(self, here: _Token, until: str = "") -> str:
        self.position += 1
        start = here.at + len(here.text)
        found = condition_ahead(self.text[start:], self.magic, until=until)
        if found is None:
            example = _CONDITION["switch" if until else "if"]
            raise self.fault(f"it goes like this: {example}", here)
        self.skip(start + found[1])
        return found[0]

    def skip(self, at: int) -> None:
        """Go on with what stands from this column on."""
        while self.token is not None and self.token.at < at:
            self.position += 1

    def deeper(self, here: _Token, read: Callable[[_Token], Node]) -> Node:
        """Read what may hold others of its kind; not endlessly many within each other."""
        self.open.append(here)
        if len(self.open) > _DEEPEST:
            raise self.fault("too many brackets within brackets", here)
        node = read(here)
        self.open.pop()
        return node

    def step(self) -> Node:
        node = self.atom()
        while self.has("*"):
            times = self.token
            if times is None or times.kind != "number":
                raise self.fault(f"how often? {node}*3", self.tokens[self.position - 1])
            if len(times.text) > len(str(_MOST)) or not 1 <= int(times.text) <= _MOST:
                raise self.fault(f"this must be from 1 to {_MOST}", times)
            self.position += 1
            node = Repeat(node, int(times.text))
        return node

    def atom(self) -> Node:
        here = self.token
        if here is not None and here.kind == "name" and here.text not in _ELSE:
            self.position += 1
            return Agent(self.named(here))
        if here is None or here.text != "(":
            raise self.missing(here)
        return self.deeper(here, self.brackets)

    def brackets(self, here: _Token) -> Node:
        self.position += 1
        branches, comma = [self.expression()], False
        while self.has(","):
            comma = True
            if self.token is not None and self.token.text == ")":
                break
            branches.append(self.expression())
        if not self.has(")"):
            wrong = self.token
            raise self.fault(
                "this ( is never closed" if wrong is None else self.surplus(wrong), wrong or here
            )
        return FanOut(tuple(branches)) if comma else branches[0]

    def named(self, token: _Token) -> str:
        if keyword.iskeyword(normal(token.text)):
            raise self.fault(f"{token.text!r} is a word of Python itself, no agent", token)
        if token.text == EVERYONE:
            raise self.fault("'all' is for %%agents; name the agents here", token)
        return normal(token.text)

    def missing(self, here: _Token | None) -> UsageError:
        """Word what is wrong where an agent should stand."""
        before = self.tokens[self.position - 1] if self.position else None
        if here is not None and here.kind in ("number", "other"):
            return self.fault(self.surplus(here), here)
        if before is not None and before.kind == "arrow":
            return self.fault(f"missing agent after {self.counted_arrow(self.position - 1)}", before)
        if before is not None and before.text == "else":
            return self.fault("missing agent after this else", before)
        if here is None and self.open:
            return self.fault(*self.unfinished())
        if here is None:
            return UsageError(f"{self.magic}: which agents? {self.magic} poet -> critic")
        if here.text in _ELSE:
            return self.fault(self.surplus(here), here)
        if here.kind == "arrow":
            return self.fault(f"missing agent before {self.counted_arrow(self.position)}", here)
        if here.text == ")":
            empty = before is not None and before.text == "("
            return self.fault("no agent in these brackets" if empty else "this ) closes nothing", here)
        return self.fault(f"missing agent before this {here.text}", here)

    def unfinished(self) -> tuple[str, _Token]:
        """Word what is wrong where the text ends before an agent is named."""
        last = self.open[-1]
        return ("this ( is never closed" if last.text == "(" else f"missing agent for this {last.text}"), last

    def surplus(self, token: _Token) -> str:
        """Word what is wrong with a token where none or another should stand."""
        if token.text in _ELSE:
            return f"this {token.text} belongs to no if"
        if token.kind in ("name", "sign") and token.text not in ("*", ",", ")"):
            return f"missing -> before {token.text}"
        if token.text == ",":
            return "agents at once need brackets: (a, b)"
        if token.text == ")":
            return "this ) closes nothing"
        if token.kind == "number":
            return "a number only says how often, after a star: poet*3"
        return f"{token.text} {_FOREIGN}"

    def counted_arrow(self, position: int) -> str:
        arrows = [at for at, token in enumerate(self.tokens) if token.kind == "arrow"]
        arrow = self.tokens[position].text
        return f"the {ordinal(arrows.index(position) + 1)} {arrow}" if len(arrows) > 1 else f"the {arrow}"
