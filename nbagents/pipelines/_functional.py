"""The pipelines as functions, under AgentScope's names."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..agents import scheduler
from ..message import Msg, PlaceholderMessage
from ._base import Operator, Operators, Replies, apply, held, placeholder
from ._branches import FanOutPipeline, IfElsePipeline, SwitchPipeline
from ._loops import ForLoopPipeline, WhileLoopPipeline
from ._sequence import SequentialPipeline

__all__ = [
    "fanout_pipeline",
    "fanoutpipeline",
    "forlooppipeline",
    "ifelsepipeline",
    "placeholder",
    "sequential_pipeline",
    "sequentialpipeline",
    "switchpipeline",
    "whilelooppipeline",
]


def sequentialpipeline(operators: Operators, x: Any = None) -> Any:
    """Run `SequentialPipeline` once."""
    return SequentialPipeline(operators)(x)


def fanoutpipeline(operators: Operators, x: Any = None) -> Any:
    """Run `FanOutPipeline` once."""
    return FanOutPipeline(operators)(x)


def ifelsepipeline(
    condition_func: Callable[[Any], Any],
    if_body_operators: Operators,
    else_body_operators: Operators = placeholder,
    x: Any = None,
) -> Any:
    """Run `IfElsePipeline` once."""
    return IfElsePipeline(condition_func, if_body_operators, else_body_operators)(x)


def switchpipeline(
    condition_func: Callable[[Any], Any],
    case_operators: Mapping[Any, Operators],
    default_operators: Operators = placeholder,
    x: Any = None,
) -> Any:
    """Run `SwitchPipeline` once."""
    return SwitchPipeline(condition_func, case_operators, default_operators)(x)


def forlooppipeline(
    loop_body_operators: Operators,
    max_loop: int,
    break_func: Callable[[Any], Any] | None = None,
    x: Any = None,
) -> Any:
    """Run `ForLoopPipeline` once."""
    return ForLoopPipeline(loop_body_operators, max_loop, break_func)(x)


def whilelooppipeline(
    loop_body_operators: Operators,
    condition_func: Callable[[int, Any], Any] = lambda i, x: False,
    x: Any = None,
) -> Any:
    """Run `WhileLoopPipeline` once."""
    return WhileLoopPipeline(loop_body_operators, condition_func)(x)


def sequential_pipeline(
    agents: Operators | None = None,
    msg: Any = None,
    *,
    operators: Operators | None = None,
    x: Any = None,
) -> Any:
    """Run agents one after the other: the 1.x form, to be awaited or read; nobody changes nothing.

    ``operators`` and ``x`` are the names of ``agents`` and ``msg`` in 0.1.6.
    """
    nobody = not (agents or operators) and (agents is not None or operators is not None)
    pipeline = SequentialPipeline(placeholder) if nobody else SequentialPipeline(operators, agents=agents)
    return pipeline.begin(msg if x is None else x)


def fanout_pipeline(
    agents: Sequence[Operator], msg: Any = None, enable_gather: bool = True, **kwargs: Any
) -> Any:
    """Ask agents the same, together or (``enable_gather=False``) in turn: the 1.x form.

    Each gets a copy of the message, and ``kwargs``.
    """
    if enable_gather:
        return Replies(agent(_copy(msg), **kwargs) for agent in agents)

    async def in_turn() -> list[Any]:
        return [await apply(agent, _copy(msg), **kwargs) for agent in agents]

    asked = FanOutPipeline(agents or placeholder).agents()
    return scheduler().issue(None, in_turn, (), hold=held(asked))


def _copy(msg: Any) -> Any:
    return copy.deepcopy(msg) if isinstance(msg, Msg) and not isinstance(msg, PlaceholderMessage) else msg
