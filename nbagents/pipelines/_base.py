"""`Pipeline`: what all pipelines share.

A pipeline without conditions is made of calls alone: each takes the placeholder of the one before,
so the whole of it is submitted at once and finishes without whoever submitted it. A pipeline that
must look at messages is itself a call: it runs on the background loop, and what is called later of
its agents comes after it.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any

from .._threads import on_thread
from ..agents import AgentBase, scheduler
from ..exceptions import UsageError

__all__ = ["Operator", "Operators", "Pipeline", "Replies", "apply", "as_operators", "placeholder"]

Operator = Callable[..., Any]
Operators = Operator | Sequence[Operator]


def placeholder(x: Any = None) -> Any:
    """Return what is given: the branch that does nothing."""
    return x


def as_operators(operators: Operators | None, agents: Operators | None = None) -> list[Operator]:
    """Return one operator or several as a list; ``agents`` is their name in AgentScope 1.x.

    Raises:
        UsageError: there is none, or they are given under both names.
    """
    if operators is not None and agents is not None:
        raise UsageError("give operators or agents, not both; they mean the same")
    chosen = operators if operators is not None else agents if agents is not None else ()
    given = list(chosen) if isinstance(chosen, Sequence) else [chosen]
    if not given:
        raise UsageError("No operators provided.")
    for operator in given:
        if not callable(operator):
            raise UsageError(f"a pipeline is made of agents, pipelines and functions, not of {operator!r}")
    return given


class Pipeline:
    """A chain of agents, functions and other pipelines that is called like an agent."""

    participants: list[Operator]

    def __call__(self, x: Any = None, *, msg: Any = None) -> Any:
        """Run the pipeline on ``x``, or ``msg``, as AgentScope 1.x calls it.

        Returns at once with a placeholder if an agent takes part; a pipeline of plain functions
        runs here and returns their value.
        """
        x = msg if x is None else x
        return self.begin(x) if self.submits_whole() or self.agents() else _run_here(self.drive(x))

    def begin(self, x: Any = None) -> Any:
        """Run the pipeline on ``x``; return at once what can be awaited, also for plain functions."""
        if self.submits_whole():
            return self.submit(x)
        return scheduler().issue(None, self.drive, (x,), hold=held(self.agents()))

    def agents(self) -> list[AgentBase]:
        """Return the agents that take part, those of inner pipelines included."""
        found: list[AgentBase] = []
        for operator in self.participants:
            if isinstance(operator, AgentBase):
                found.append(operator)
            elif isinstance(operator, Pipeline):
                found += operator.agents()
        return found

    def submits_whole(self) -> bool:
        """Can all of it be submitted at once, since nothing in it looks at a message?"""
        return False

    def submit(self, x: Any) -> Any:
        """Make all the calls; only where `submits_whole`."""
        raise NotImplementedError

    async def drive(self, x: Any) -> Any:
        """Run step by step, on the background loop."""
        raise NotImplementedError


def held(agents: Sequence[AgentBase]) -> list[AgentBase]:
    """Return who is told something by a pipeline of these agents: they, and those who listen to them now."""
    now = scheduler().next_path()
    listeners = [listener for agent in agents for listener in agent._audience_at(now)]
    return list(dict.fromkeys([*agents, *listeners]))


def only_calls(operators: Sequence[Operator]) -> bool:
    """Are these all agents, or pipelines that can be submitted whole?"""
    return all(
        isinstance(op, AgentBase) or (isinstance(op, Pipeline) and op.submits_whole()) for op in operators
    )


async def apply(operator: Operator, *args: Any, **kwargs: Any) -> Any:
    """Call one operator and wait for its value; a plain function runs on a thread, since it may block."""
    if isinstance(operator, Pipeline) and not operator.agents():
        return await operator.drive(*args)
    if isinstance(operator, (AgentBase, Pipeline)):
        return await arrived(operator(*args, **kwargs))
    if inspect.iscoroutinefunction(operator):
        return await arrived(await operator(*args, **kwargs))
    if _here.plain:
        return operator(*args, **kwargs)
    call = functools.partial(operator, *args, **kwargs)
    return await arrived(await on_thread(call, start=scheduler().threads.run))


class Replies(list[Any]):
    """What several operators return, each a message that may not have arrived; ``await`` waits for all."""

    def __await__(self) -> Generator[Any, Any, list[Any]]:
        return _all_arrived(self).__await__()


async def _all_arrived(values: Sequence[Any]) -> list[Any]:
    """Wait for all at once: the first failure ends the wait, and a cancelled wait cancels each of them."""
    if _here.plain:  # there is no loop, nor anything to wait for
        return [await arrived(value) for value in values]
    return list(await asyncio.gather(*map(arrived, values)))


async def arrived(value: Any) -> Any:
    """Wait for a value's message, or for the messages of a list of them."""
    if isinstance(value, (list, tuple)) and any(inspect.isawaitable(item) for item in value):
        return await _all_arrived(value)
    return await value if inspect.isawaitable(value) else value


class _Here(threading.local):
    plain = False
    """Does this thread run a pipeline of plain functions right now?"""


_here = _Here()


def _run_here(work: Any) -> Any:
    """Run a coroutine that never has to wait, without a loop."""
    before, _here.plain = _here.plain, True
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    finally:
        _here.plain = before
        work.close()
    raise UsageError(
        "a pipeline of functions alone cannot wait for an async one; call it in an agent's reply"
    )
