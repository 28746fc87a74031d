"""The ledgers of this process: what each run has asked of models, and what it may."""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import asking, context
from ..exceptions import BudgetExceededError, UsageError
from ._prices import Price, price_of

__all__ = ["Limits", "after_call", "before_call", "forget", "limits_of", "set_limits", "spent"]

REMEMBERED = 20_000
"""Runs whose ledgers are kept."""
_YES = re.compile(r"\s*(?:y|yes|ok|okay|sure|go on|allow\b.*)\s*\Z", re.IGNORECASE)
_MORE = re.compile(r"\s*(?:allow\s+)?\$?\s*(\d+(?:\.\d+)?)(?:\s*more)?(?:\s*calls?)?\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may ask of models. ``ask`` says whether a person may be asked for more.

    The process that begins a run and the agent server of its session keep the limits, each for the agents
    that live there: a run with agents in both may use them twice. Agents of other servers are not limited.
    """

    max_calls: int | None = None
    budget: float | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)
    ask: bool = True

    @classmethod
    def read(cls, tree: Mapping[str, Any]) -> Limits:
        """Return the limits that `to_dict` wrote; what is unknown in it is left aside.

        Raises:
            UsageError: a limit is no number.
        """
        calls, budget, prices = tree.get("max_calls"), tree.get("budget"), tree.get("prices") or {}
        if calls is not None and (not isinstance(calls, int) or isinstance(calls, bool) or calls < 0):
            raise UsageError(f"max_calls must be a whole number, not {calls!r}")
        if budget is not None and not (_is_number(budget) and budget >= 0):
            raise UsageError(f"budget must be a number of dollars, not {budget!r}")
        if not isinstance(prices, Mapping):
            raise UsageError("prices must be a table: a model's name and two numbers")
        known = {str(model): Price.of(value, str(model)) for model, value in prices.items()}
        return cls(calls, None if budget is None else float(budget), known, tree.get("ask") is not False)

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON can hold them.

        >>> Limits.read(Limits(20, 0.5).to_dict()) == Limits(20, 0.5)
        True
        """
        prices = {model: [price.reads, price.writes] for model, price in self.prices.items()}
        return {"max_calls": self.max_calls, "budget": self.budget, "prices": prices, "ask": self.ask}


class _Ledger:
    """One run: what it has used, what it may, and the question that is open about it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.max_calls, self.budget = limits.max_calls, limits.budget
        self.calls = 0
        self.cost = 0.0
        self.by: dict[str, float] = {}
        self.cost_by: dict[str, float] = {}
        self.refused = ""
        self.open: concurrent.futures.Future[None] | None = None

    def full(self) -> str:
        """Return which limit is reached: "budget", "max_calls", or ""."""
        if self.budget is not None and self.cost >= self.budget and self.calls:
            return "budget"
        return "max_calls" if self.max_calls is not None and self.calls >= self.max_calls else ""

    def state(self, which: str) -> str:
        """Say how much is used up, and by whom most."""
        if which == "budget":
            share = _largest(self.cost_by, self.cost)
            return f"${self.cost:.4g} of ${self.budget:.4g} spent{share}"
        return f"{self.calls} of {_calls(self.max_calls or 0)} made{_largest(self.by, self.calls)}"

    def more(self, which: str) -> float:
        """Say how much is offered: as much again as the run was given."""
        given = self.limits.budget if which == "budget" else self.limits.max_calls
        return given or (0.01 if which == "budget" else 1)

    def allow(self, which: str, more: float) -> None:
        if which == "budget":
            self.budget = max(self.budget or 0.0, self.cost) + more
        else:
            self.max_calls = max(self.max_calls or 0, self.calls) + max(math.ceil(more), 1)


_ledgers: OrderedDict[str, _Ledger] = OrderedDict()
_lock = threading.Lock()


def set_limits(run_id: str, limits: Limits | Mapping[str, Any] | None) -> None:
    """Say what a run may ask of the models of this process; None takes its limits away.

    Raises:
        UsageError: a limit is no number.
    """
    read = limits if isinstance(limits, Limits) or limits is None else Limits.read(limits)
    with _lock:
        if read is None:
            _ledgers.pop(run_id, None)
            return
        _ledgers[run_id] = _Ledger(read)
        while len(_ledgers) > REMEMBERED:
            _ledgers.popitem(last=False)


def forget(run_id: str) -> None:
    """Forget a run that is over."""
    with _lock:
        _ledgers.pop(run_id, None)


def limits_of(run_id: str) -> Limits | None:
    """Return what a run may, or None where nobody has said so."""
    ledger = _ledgers.get(run_id)
    return None if ledger is None else ledger.limits


def spent(run_id: str) -> tuple[int, float]:
    """Return how many calls of models a run with limits has made here, and what they cost."""
    ledger = _ledgers.get(run_id)
    return (0, 0.0) if ledger is None else (ledger.calls, ledger.cost)


async def before_call(model: str, price: Price | None = None) -> None:
    """Wait until the run whose code runs here may ask a model once more. Call it on a loop.

    ``price`` is what the model itself knows of its price.

    Raises:
        BudgetExceededError: it may not.
        UsageError: there is a budget, and nobody knows what this model costs.
    """
    run, agent = _here()
    ledger = _ledgers.get(run)
    if ledger is None:
        return
    if ledger.budget is not None and _price(model, ledger, price) is None:
        raise UsageError(
            f"the price of {model} is not known, so a budget cannot be kept. Limit the number of calls "
            f'instead: --max-calls 20. Or say the price in nbagents.toml: [prices] "{model}" = [0.15, 0.60]',
            hint="--max-calls 20",
        )
    while True:
        with _lock:
            if ledger.refused:
                raise _exceeded(ledger.refused)
            which = ledger.full()
            if not which:
                ledger.calls += 1
                ledger.by[agent] = ledger.by.get(agent, 0) + 1
                return
            asks = ledger.open is None
            if ledger.open is None:
                ledger.open = concurrent.futures.Future()
            opened = ledger.open
        if asks:
            await _ask(ledger, which, agent, opened)
        else:
            await asyncio.shield(asyncio.wrap_future(opened))


def after_call(
    model: str, prompt_tokens: int, completion_tokens: int, price: Price | None = None
) -> float | None:
    """Take in what a call took; return what it costs in dollars, or None where the price is not known."""
    run, agent = _here()
    ledger = _ledgers.get(run)
    known = _price(model, ledger, price)
    if known is None:
        return None
    cost = known.cost(prompt_tokens, completion_tokens)
    if ledger is not None:
        with _lock:
            ledger.cost += cost
            ledger.cost_by[agent] = ledger.cost_by.get(agent, 0.0) + cost
    return cost


async def _ask(ledger: _Ledger, which: str, agent: str, opened: concurrent.futures.Future[None]) -> None:
    """Ask a person for more, once for all calls that wait; whatever comes of it, nobody waits any more."""
    state, more = ledger.state(which), ledger.more(which)
    offer = f"${more:.4g} more" if which == "budget" else f"{more:.0f} more call{'' if more == 1 else 's'}"
    try:
        allowed = await _answer(ledger, which, agent, state, offer, more)
        with _lock:
            if allowed:
                ledger.allow(which, allowed)
            else:
                ledger.refused = f"the run was stopped at its limit: {state}"
    except BudgetExceededError as error:
        ledger.refused = str(error)
        raise
    finally:
        with _lock:
            ledger.open = None
        opened.set_result(None)


async def _answer(ledger: _Ledger, which: str, agent: str, state: str, offer: str, more: float) -> float:
    """Return how much more a person allows, 0 for none."""
    if not ledger.limits.ask:
        raise _exceeded(f"the run has reached its limit: {state}", which)
    question = asking.Question(
        agent or "budget",
        f"The run is paused at its limit: {state}. Go on? ",
        choices=(f"allow {offer}", "stop"),
    )
    try:
        said = (await asking.fill(question)).text
    except (UsageError, EOFError, TimeoutError):
        raise _exceeded(f"the run has reached its limit: {state}", which) from None
    number = _MORE.fullmatch(said)
    if number is not None:
        return float(number[1])
    return more if _YES.fullmatch(said) else 0.0


def _exceeded(text: str, which: str = "") -> BudgetExceededError:
    flag = {"budget": "--budget 1.00", "max_calls": "--max-calls 50"}.get(which)
    return BudgetExceededError(text, hint=f"a higher limit: {flag}" if flag else None)


def _price(model: str, ledger: _Ledger | None, own: Price | None) -> Price | None:
    """Return what counts: what the run was told, what the model knows of itself, what is known of it."""
    told = None if ledger is None else ledger.limits.prices.get(model)
    return told or own or price_of(model)


def _here() -> tuple[str, str]:
    frame = context.frame.get()
    return (context.run.get(), "") if frame is None else (frame.run, frame.agent_name)


def _largest(by: Mapping[str, float], whole: float) -> str:
    if len(by) < 2 or not whole:
        return ""
    name = max(by, key=lambda each: by[each])
    return f" ({name} {by[name] / whole:.0%})"


def _calls(number: int) -> str:
    return f"{number} call{'' if number == 1 else 's'}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
