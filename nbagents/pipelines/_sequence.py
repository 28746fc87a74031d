"""`SequentialPipeline`: one after the other."""

from __future__ import annotations

from typing import Any

from ._base import Operators, Pipeline, apply, as_operators, only_calls

__all__ = ["SequentialPipeline"]


class SequentialPipeline(Pipeline):
    """Call each operator with what the one before returned. ``agents`` is 1.x's name for ``operators``.

    >>> double, add = (lambda x: 2 * x), (lambda x: x + 1)
    >>> SequentialPipeline([double, add])(20)
    41
    """

    def __init__(self, operators: Operators | None = None, *, agents: Operators | None = None) -> None:
        self.participants = as_operators(operators, agents)

    def submits_whole(self) -> bool:
        """Can all of it be submitted at once?"""
        return only_calls(self.participants)

    def submit(self, x: Any) -> Any:
        """Make all the calls, each with the placeholder of the one before."""
        steps = []
        for operator in self.participants:
            x = operator(x)
            steps.append(x)
        inner = x.__dict__.get("_steps", ())
        x.__dict__["_steps"] = (*steps[:-1], *inner)  # for those who ask what was printed on the way
        return x

    async def drive(self, x: Any) -> Any:
        """Run step by step."""
        for operator in self.participants:
            x = await apply(operator, x)
        return x
