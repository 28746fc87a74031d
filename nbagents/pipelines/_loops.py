"""Pipelines that repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..exceptions import UsageError
from ._base import Operators, Pipeline, apply, as_operators, only_calls
from ._sequence import SequentialPipeline

__all__ = ["ForLoopPipeline", "WhileLoopPipeline"]


class ForLoopPipeline(Pipeline):
    """Repeat at most ``max_loop`` times; stop after a pass for which ``break_func(x)`` is true.

    ``on_pass(number)``, if given, is called before each pass, from 1 on; it must be quick.

    >>> ForLoopPipeline(lambda x: 2 * x, 10, lambda x: x > 50)(1)
    64
    """

    def __init__(
        self,
        loop_body_operators: Operators,
        max_loop: int,
        break_func: Callable[[Any], Any] | None = None,
        *,
        on_pass: Callable[[int], object] | None = None,
    ) -> None:
        if max_loop < 0:
            raise UsageError(f"max_loop is a number of passes, not {max_loop}")
        self.participants = as_operators(loop_body_operators)
        self.body = SequentialPipeline(self.participants)
        self.max_loop, self.break_func, self.on_pass = max_loop, break_func, on_pass
        self.passes = 0
        """How many passes the last run has begun."""
        self.broke = False
        """Did ``break_func`` end the last run?"""

    def submits_whole(self) -> bool:
        """Can all of it be submitted at once? Not with a condition."""
        return self.break_func is None and self.on_pass is None and only_calls(self.participants)

    def submit(self, x: Any) -> Any:
        """Make the calls of all passes."""
        for _ in range(self.max_loop):
            x = self.body.submit(x)
        return x

    async def drive(self, x: Any) -> Any:
        """Run pass by pass."""
        self.passes, self.broke = 0, False
        for number in range(1, self.max_loop + 1):
            self.passes = number
            if self.on_pass is not None:
                self.on_pass(number)
            x = await self.body.drive(x)
            if self.break_func is not None and await apply(self.break_func, x):
                self.broke = True
                break
        return x


class WhileLoopPipeline(Pipeline):
    """Repeat while ``condition_func(i, x)`` is true, which is asked before each pass, ``i`` from 0 on.

    >>> WhileLoopPipeline(lambda x: 2 * x, lambda i, x: i < 3)(1)
    8
    """

    def __init__(
        self,
        loop_body_operators: Operators,
        condition_func: Callable[[int, Any], Any] = lambda i, x: False,
    ) -> None:
        self.participants = as_operators(loop_body_operators)
        self.body = SequentialPipeline(self.participants)
        self.condition_func = condition_func

    async def drive(self, x: Any) -> Any:
        """Run pass by pass."""
        i = 0
        while await apply(self.condition_func, i, x):
            x, i = await self.body.drive(x), i + 1
        return x
