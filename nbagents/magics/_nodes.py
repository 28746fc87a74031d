"""The shape of a pipeline: who comes after whom, who at once, who again.

Each node prints as the expression that makes it. Knows neither how it was written nor how it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Agent", "FanOut", "Node", "Repeat", "Sequence", "agent_names"]


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
        return " -> ".join(f"({step})" if isinstance(step, Sequence) else str(step) for step in self.steps)


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


Node = Agent | Sequence | FanOut | Repeat


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
