"""Steps that a request writes out, ``1. tool: what it is given``, and how many of them are done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import dedent

from ._scene import Scene

__all__ = ["Step", "Steps"]

_STEP = re.compile(
    r"^[ \t]*\d+[.)][ \t]+(?:(?:call|use|run|ask)[ \t]+)?[`*]*([A-Za-z_]\w*)[`*]*[ \t]*:?(.*)$"
)
_NUMBERED = re.compile(r"^[ \t]*\d+[.)][ \t]+\S")
_FENCE = re.compile(r"^[ \t]*```[^\n]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """A tool to call, and the text to give it."""

    tool: str
    given: str


@dataclass(frozen=True, slots=True)
class Steps:
    r"""The steps of the newest request in which there are some, and how many tools have answered since.

    >>> Steps.read("1. look: the sky\n2. `count`\n3. Then say it.", ["look", "count"])
    [Step(tool='look', given='the sky'), Step(tool='count', given='')]
    """

    steps: list[Step]
    done: int

    @classmethod
    def of(cls, scene: Scene, tools: Iterable[str]) -> Steps | None:
        """Return the steps that are being followed; None where nobody has written any."""
        answers = 0
        for turn in reversed(scene.talk.turns):
            if turn.role == "tool":
                answers += 1
            elif not scene.talk.is_mine(turn):
                steps = cls.read(turn.text, tools)
                return cls(steps, answers) if steps else None
        return None

    @property
    def next(self) -> Step | None:
        """The step whose turn it is."""
        return self.steps[self.done] if self.done < len(self.steps) else None

    @staticmethod
    def read(text: str, tools: Iterable[str]) -> list[Step]:
        """Return the steps of a text that name a tool, with the text or the block of code below."""
        known, steps, lines = set(tools), [], text.splitlines()
        starts = [place for place, line in enumerate(lines) if _NUMBERED.match(line)]
        fenced = _in_fences(lines)
        starts = [place for place in starts if place not in fenced]
        for place, end in zip(starts, [*starts[1:], len(lines)], strict=False):
            found = _STEP.match(lines[place])
            if found is None or found[1] not in known:
                continue
            below = "\n".join(lines[place + 1 : end])
            code = _FENCE.search(below)
            below = dedent(code[1] if code else below).strip("\n")
            first = "" if code else found[2].strip().strip("`")
            steps.append(Step(found[1], f"{first}\n{below}".strip()))
        return steps


def _in_fences(lines: list[str]) -> set[int]:
    """Return which lines stand in a block of code: a number there begins no step."""
    inside, found = False, set()
    for place, line in enumerate(lines):
        if line.lstrip().startswith("```"):
            inside = not inside
        elif inside:
            found.add(place)
    return found
