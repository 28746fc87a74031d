"""Make the pipeline that an expression writes, and foretell whom it sends what.

Conditions come as functions, compiled by IPython, in the order in which they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..agents import AgentBase
from ..pipelines import (
    FanOutPipeline,
    ForLoopPipeline,
    IfElsePipeline,
    Pipeline,
    SequentialPipeline,
    SwitchPipeline,
)
from ..runs import Run
from ._nodes import Agent, Branch, Choice, FanOut, Node, Repeat
from ._nodes import Sequence as Steps

__all__ = ["Condition", "Wrap", "foretold", "pipeline_of"]

Condition = Callable[[Any], Any]
Wrap = Callable[[AgentBase], AgentBase | Pipeline]
_LABEL = 60


def pipeline_of(
    node: Node,
    agents: Mapping[str, AgentBase],
    conditions: Sequence[Condition] = (),
    run: Run | None = None,
    last: Wrap | None = None,
) -> AgentBase | Pipeline:
    """Return what runs ``node``; ways taken are told to ``run``.

    ``last`` is done to the agents whose answers are the value of it all.
    """
    return _made(node, agents, iter(conditions), run, last)


def _made(
    node: Node,
    agents: Mapping[str, AgentBase],
    conditions: Iterator[Condition],
    run: Run | None,
    last: Wrap | None,
) -> AgentBase | Pipeline:
    def made(inner: Node, wrap: Wrap | None = last) -> AgentBase | Pipeline:
        return _made(inner, agents, conditions, run, wrap)

    match node:
        case Agent(name):
            return agents[name] if last is None else last(agents[name])
        case Steps(steps):
            *before, final = steps
            return SequentialPipeline([*(made(step, None) for step in before), made(final)])
        case FanOut(branches):
            return FanOutPipeline([made(branch) for branch in branches])
        case Repeat(step, times):
            return ForLoopPipeline(made(step), times)
        case Branch(source, then, other):
            decide = _told(run, f"if {source}", next(conditions), truth=True)
            return IfElsePipeline(decide, made(then), *([] if other is None else [made(other)]))
        case Choice(source, cases, other):
            decide = _told(run, f"switch {source}", next(conditions))
            ways = {value: made(way) for value, way in cases}
            return (
                SwitchPipeline(decide, ways) if other is None else SwitchPipeline(decide, ways, made(other))
            )


def _told(run: Run | None, label: str, condition: Condition, *, truth: bool = False) -> Condition:
    """Return the condition so that the run shows what came of it."""

    def decide(message: Any) -> Any:
        value = condition(message)
        if run is not None:
            shown = ("yes" if value else "no") if truth else repr(value)
            run.section(f"{_short(label)} · {_short(shown)}")
        return value

    return decide


def _short(text: str) -> str:
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"


def foretold(node: Node, text: str) -> list[tuple[str, str]]:
    """Return who is sent what by a pipeline: the first ones the text, the others what was said before."""
    match node:
        case Agent(name):
            return [(name, text)]
        case Repeat(step, _):
            return foretold(step, text)
        case FanOut(branches):
            return [each for branch in branches for each in foretold(branch, text)]
        case Steps(steps):
            first, *rest = steps
            shown, before = foretold(first, text), first
            for step in rest:
                shown += foretold(step, f"*what {before} says*")
                before = step
            return shown
        case Branch(source, then, other):
            shown = foretold(then, f"if `{source}`: {text}")
            return shown if other is None else shown + foretold(other, f"else: {text}")
        case Choice(source, cases, other):
            shown = [
                each for value, way in cases for each in foretold(way, f"if `{source}` is {value!r}: {text}")
            ]
            return shown if other is None else shown + foretold(other, f"else: {text}")
