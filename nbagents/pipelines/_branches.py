"""Pipelines that branch: to all at once, or to one by condition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ._base import Operator, Operators, Pipeline, Replies, apply, as_operators, only_calls, placeholder
from ._sequence import SequentialPipeline

__all__ = ["FanOutPipeline", "FanoutPipeline", "IfElsePipeline", "SwitchPipeline"]


class FanOutPipeline(Pipeline):
    """Call all operators with the same message, at the same time; the value is the list of theirs.

    Without ``enable_gather`` they are called one after the other. ``agents`` is 1.x's name for ``operators``.

    >>> FanOutPipeline([str.upper, str.title])("grey beads")
    ['GREY BEADS', 'Grey Beads']
    """

    def __init__(
        self,
        operators: Operators | None = None,
        enable_gather: bool = True,
        *,
        agents: Operators | None = None,
    ) -> None:
        self.participants = as_operators(operators, agents)
        self.enable_gather = enable_gather

    def submits_whole(self) -> bool:
        """Can all of it be submitted at once?"""
        return self.enable_gather and only_calls(self.participants)

    def submit(self, x: Any) -> Replies:
        """Make all the calls; return the list of their placeholders, which can be awaited too."""
        return Replies(operator(x) for operator in self.participants)

    async def drive(self, x: Any) -> list[Any]:
        """Run the branches, together if they may."""
        if len(self.participants) == 1 or not self.enable_gather or not self.agents():
            return [await apply(operator, x) for operator in self.participants]
        return list(await asyncio.gather(*(apply(operator, x) for operator in self.participants)))


FanoutPipeline = FanOutPipeline
"""Its name in AgentScope 1.x."""


class IfElsePipeline(Pipeline):
    """Go one way if ``condition_func(x)`` is true, the other if not.

    >>> IfElsePipeline(lambda x: x > 3, lambda x: "much", lambda x: "little")(5)
    'much'
    """

    def __init__(
        self,
        condition_func: Callable[[Any], Any],
        if_body_operators: Operators,
        else_body_operators: Operators = placeholder,
    ) -> None:
        self.condition_func = condition_func
        self.if_body = _body(if_body_operators)
        self.else_body = _body(else_body_operators)
        self.participants = [self.if_body, self.else_body]

    async def drive(self, x: Any) -> Any:
        """Look at ``x``, then run the branch."""
        return await apply(self.if_body if await apply(self.condition_func, x) else self.else_body, x)


class SwitchPipeline(Pipeline):
    """Go the way that ``condition_func(x)`` names in ``case_operators``, else the default way.

    >>> SwitchPipeline(type, {int: lambda x: "number"}, lambda x: "other")("a")
    'other'
    """

    def __init__(
        self,
        condition_func: Callable[[Any], Any],
        case_operators: Mapping[Any, Operators],
        default_operators: Operators = placeholder,
    ) -> None:
        self.condition_func = condition_func
        self.cases = {case: _body(operators) for case, operators in case_operators.items()}
        self.default = _body(default_operators)
        self.participants = [*self.cases.values(), self.default]

    async def drive(self, x: Any) -> Any:
        """Look at ``x``, then run the branch."""
        return await apply(self.cases.get(await apply(self.condition_func, x), self.default), x)


def _body(operators: Operators) -> Operator:
    steps = as_operators(operators)
    return steps[0] if len(steps) == 1 else SequentialPipeline(steps)
