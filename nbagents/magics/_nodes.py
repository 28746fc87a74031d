"""The shape of a pipeline: who comes after whom, who at once, who again, who only if.

Each node prints as the expression that makes it. Knows neither how it was written nor how it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Agent",
    "Branch",
    "Choice",
    "FanOut",
    "Node",
    "Repeat",
    "Sequence",
    "agent_names",
    "conditions_of",
    "looks_first",
]

Value = str | int | float | bool
"""What a case of a `Choice` can be."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent, by name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other, each told what the one before said."""

    steps: tuple[Node, ...]

    def __str__(self) -> str:
        *before, last = self.steps
        shown = [
            f"({step})" if isinstance(step, Sequence | Branch | Choice) else str(step) for step in before
        ]
        return " -> ".join([*shown, f"({last})" if isinstance(last, Sequence) else str(last)])


@dataclass(frozen=True, slots=True)
class FanOut:
    """All at once, each told the same; what they say is gathered into a list."""

    branches: tuple[Node, ...]

    def __str__(self) -> str:
        inside = ", ".join(str(branch) for branch in self.branches)
        return f"({inside},)" if len(self.branches) == 1 else f"({inside})"


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same step ``times`` over, each time told what it said last."""

    step: Node
    times: int

    def __str__(self) -> str:
        bare = isinstance(self.step, Agent | FanOut)
        return f"{self.step}*{self.times}" if bare else f"({self.step})*{self.times}"


@dataclass(frozen=True, slots=True)
class Branch:
    """One way if a condition is true of the message that comes in, else the other, or straight on.

    ``condition`` is the author's source, which is never evaluated here.
    """

    condition: str
    then: Node
    other: Node | None = None

    def __str__(self) -> str:
        other = f" else {self.other}" if self.other is not None else ""
        return f"if {quoted(self.condition)} {_enclosed(self.then)}{other}"


@dataclass(frozen=True, slots=True)
class Choice:
    """The way of the case that an expression's value equals, else the other, or straight on."""

    subject: str
    cases: tuple[tuple[Value, Node], ...]
    other: Node | None = None

    def __str__(self) -> str:
        cases = "".join(f" case {_case(value)} {_enclosed(node)}" for value, node in self.cases)
        other = f" else {self.other}" if self.other is not None else ""
        return f"switch {quoted(self.subject)}{cases}{other}"


Node = Agent | Sequence | FanOut | Repeat | Branch | Choice


def quoted(source: str) -> str:
    """Return a condition as one word of a line."""
    return '"' + source.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _enclosed(node: Node) -> str:
    """Write what stands before an ``else`` or ``case``, so that it cannot be taken for its own."""
    return f"({node})" if isinstance(node, Branch | Choice | Sequence) else str(node)


def _case(value: Value) -> str:
    return quoted(value) if isinstance(value, str) else str(value)


def conditions_of(node: Node) -> tuple[str, ...]:
    """Return the sources of all conditions in the order in which they are written."""
    match node:
        case Agent():
            return ()
        case Repeat(step, _):
            return conditions_of(step)
        case Sequence(parts) | FanOut(parts):
            return tuple(source for part in parts for source in conditions_of(part))
        case Branch(condition, then, other):
            ways = [then] if other is None else [then, other]
            return (condition, *(source for way in ways for source in conditions_of(way)))
        case Choice(subject, cases, other):
            ways = [way for _, way in cases] + ([] if other is None else [other])
            return (subject, *(source for way in ways for source in conditions_of(way)))


def looks_first(node: Node) -> bool:
    """Whether a condition looks at the very first message."""
    match node:
        case Branch() | Choice():
            return True
        case Sequence(parts):
            return looks_first(parts[0])
        case FanOut(parts):
            return any(looks_first(part) for part in parts)
        case Repeat(step, _):
            return looks_first(step)
        case _:
            return False


def agent_names(node: Node) -> tuple[str, ...]:
    """Return every agent of a pipeline once, in the order of first mention."""
    return tuple(dict.fromkeys(_mentions(node)))


def _mentions(node: Node) -> list[str]:
    match node:
        case Agent(name):
            return [name]
        case Repeat(step, _):
            return _mentions(step)
        case Sequence(parts) | FanOut(parts):
            return [name for part in parts for name in _mentions(part)]
        case Branch(_, then, other):
            return _mentions(then) + ([] if other is None else _mentions(other))
        case Choice(_, cases, other):
            named = [name for _, way in cases for name in _mentions(way)]
            return named + ([] if other is None else _mentions(other))
