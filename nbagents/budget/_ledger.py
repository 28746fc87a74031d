"""The ledgers of this process: what each run has asked of models, and what it may."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from .. import context, recording
from ..exceptions import BudgetExceededError, UsageError
from ._account import Account
from ._ask import ask_for_more, exceeded
from ._grant import Borrower, Grant, Lender
from ._limits import Limits
from ._prices import Price, price_of

__all__ = [
    "after_call",
    "before_call",
    "borrow",
    "context_of",
    "forget",
    "give_back",
    "grant",
    "left",
    "lend",
    "lender_of",
    "limits_of",
    "receive",
    "set_limits",
    "shared",
    "spent",
    "taken_back",
    "tell_shares",
    "told",
]

REMEMBERED = 20_000
"""Runs whose ledgers are kept."""
_accounts: OrderedDict[str, Account] = OrderedDict()
_lock = threading.Lock()


def set_limits(run_id: str, limits: Limits | Mapping[str, Any] | None) -> None:
    """Say what a run may ask of models, in this process and wherever it calls; None takes its limits away.

    Raises:
        UsageError: a limit is no number.
    """
    read = limits if isinstance(limits, Limits) or limits is None else Limits.read(limits)
    with _lock:
        if read is None:
            _accounts.pop(run_id, None)
        else:
            _keep(run_id, Account(read, asked_in=contextvars.copy_context()))


def borrow(run_id: str, limits: Limits | Mapping[str, Any], lender: Lender, first: Grant) -> bool:
    """Keep a run's limits for a lender, who lends ``first`` to begin with; return False if they are kept.

    Raises:
        UsageError: a limit is no number.
    """
    read = limits if isinstance(limits, Limits) else Limits.read(limits)
    with _lock:
        if run_id in _accounts:
            return False
        _keep(run_id, Account(read, lender, first))
        return True


def _keep(run_id: str, account: Account) -> None:
    _accounts[run_id] = account
    while len(_accounts) > REMEMBERED:
        _accounts.popitem(last=False)


def forget(run_id: str) -> None:
    """Forget a run that is over."""
    with _lock:
        _accounts.pop(run_id, None)


def limits_of(run_id: str) -> Limits | None:
    """Return what a run may, or None where nobody has said so."""
    account = _accounts.get(run_id)
    return None if account is None else account.limits


def spent(run_id: str) -> tuple[int, float]:
    """Return how many calls of models a run with limits has made, and what they cost, as far as is known.

    In the process that began the run, what is lent to servers counts until it is given back.
    """
    account = _accounts.get(run_id)
    return (0, 0.0) if account is None else (account.used_calls(), account.known_cost())


# ---- the calls of models


async def before_call(model: str, price: Price | None = None) -> None:
    """Wait until the run whose code runs here may ask a model once more. Call it on a loop.

    ``price`` is what the model itself knows of its price.

    Raises:
        BudgetExceededError: it may not.
        UsageError: there is a budget, and nobody knows what this model costs.
    """
    run, agent = _here()
    account = _accounts.get(run)
    if account is None:
        return
    place = recording.here()
    if place is not None and place.replays:
        return  # no model is asked
    if account.limits.budget is not None and _price(model, account, price) is None:
        raise UsageError(
            f"the price of {model} is not known, so a budget cannot be kept. Limit the number of calls "
            f'instead: --max-calls 20. Or say the price in nbagents.toml: [prices] "{model}" = [0.15, 0.60]',
            hint="--max-calls 20",
        )
    while True:
        with _lock:
            taken = account.take(agent)
        if taken:
            account.tell_shares(run)
            return
        await _more(run, account, agent, 1)


def after_call(
    model: str, prompt_tokens: int, completion_tokens: int, price: Price | None = None
) -> float | None:
    """Take in what a call took; return what it costs in dollars, or None where the price is not known."""
    run, agent = _here()
    account = _accounts.get(run)
    known = _price(model, account, price)
    cost = None if known is None else known.cost(prompt_tokens, completion_tokens)
    if account is not None:
        with _lock:
            account.spend(agent, cost)
            lender = account.lender
        if lender is not None:
            lender.tell(run, agent, cost)
    return cost


async def _more(run: str, account: Account, agent: str, calls: int) -> None:
    """Wait until there may be room for more: once for all that wait; whatever comes of it, nobody waits on.

    Raises:
        BudgetExceededError: there is none, and will be none.
    """
    with _lock:
        if account.refused:
            raise exceeded(account.refused, hint=account.hint)
        account.waiting += calls
        opened, first = account.open, account.open is None
        if opened is None:
            opened = account.open = concurrent.futures.Future()
    try:
        if first:
            await _make_room(run, account, agent, opened)
        else:
            await asyncio.shield(asyncio.wrap_future(opened))
    finally:
        with _lock:
            account.waiting -= calls


async def _make_room(run: str, account: Account, agent: str, opened: concurrent.futures.Future[None]) -> None:
    try:
        await asyncio.sleep(0)  # those who come in the same turn of the loop are asked for together
        with _lock:
            which, lender, lent = account.full(), account.lender, account.unused()
            calls = account.waiting
        if lender is not None:
            grant = await lender.ask(run, agent, calls)
            with _lock:
                account.receive(grant)
        elif lent:
            back = await asyncio.gather(*(borrower.recall(run) for borrower in lent))
            with _lock:
                for borrower, grant in zip(lent, back, strict=True):
                    account.taken_back(borrower, grant)
        elif which:
            allowed = await ask_for_more(account, which, agent)
            with _lock:
                account.answered(which, allowed)
    except BudgetExceededError as error:
        with _lock:
            account.refused, account.hint = str(error), error.hint or ""
        raise
    finally:
        with _lock:
            account.open = None
        opened.set_result(None)


# ---- what is lent to other places


def lend(run_id: str, borrower: Borrower) -> Grant | None:
    """Lend a place that will have agents of a run something to begin with; None where it has no limits."""
    with _lock:
        account = _accounts.get(run_id)
        return None if account is None else account.lend(borrower, 0)


async def grant(run_id: str, borrower: Borrower, agent: str, calls: int) -> Grant:
    """Lend a place enough for so many calls, if the run may make one more; waits as `before_call` does."""
    account = _accounts.get(run_id)
    if account is None:
        return Grant(refused="the run is over")
    while True:
        with _lock:
            more = account.lend(borrower, calls)
        if more:
            account.tell_shares(run_id)
            return more
        try:
            await _more(run_id, account, agent, calls)
        except BudgetExceededError as error:
            return Grant(refused=str(error), hint=error.hint or "")


def told(run_id: str, borrower: Borrower, agent: str, cost: float | None) -> None:
    """Take in that a place to which something is lent has made a call."""
    with _lock:
        account = _accounts.get(run_id)
        if account is None:
            return
        account.told(borrower, agent, cost)
        lender = account.lender
    if lender is not None:
        lender.tell(run_id, agent, cost)


def tell_shares(run_id: str) -> None:
    """Tell the places to which something of a run is lent what is theirs should this process end."""
    account = _accounts.get(run_id)
    if account is not None:
        account.tell_shares(run_id)


def taken_back(run_id: str, borrower: Borrower, back: Grant) -> None:
    """Take in what a place has given back."""
    with _lock:
        account = _accounts.get(run_id)
        if account is not None:
            account.taken_back(borrower, back)


async def give_back(run_id: str) -> Grant:
    """Return what is borrowed here and not used; what was lent on is taken back first."""
    account = _accounts.get(run_id)
    if account is None:
        return Grant()
    with _lock:
        lent = account.unused()
    back = await asyncio.gather(*(borrower.recall(run_id) for borrower in lent))
    with _lock:
        for borrower, each in zip(lent, back, strict=True):
            account.taken_back(borrower, each)
        return account.give_back()


def receive(run_id: str, more: Grant) -> None:
    """Take in what was asked for by a call that no longer waits for it."""
    with _lock:
        account = _accounts.get(run_id)
        if account is not None and account.lender is not None and not more.refused:
            account.receive(more)


def shared(run_id: str, part: Grant) -> None:
    """Note how much more may be used here once the lender is gone."""
    with _lock:
        account = _accounts.get(run_id)
        if account is not None:
            account.part = part


def lender_of(run_id: str) -> Lender | None:
    """Return of whom a run's limits are borrowed here, None where they are not."""
    account = _accounts.get(run_id)
    return None if account is None else account.lender


def left(lender: Lender) -> None:
    """The lender is gone for good: those who borrowed of it go on with what is left."""
    with _lock:
        for account in _accounts.values():
            if account.lender is lender:
                account.stand_alone()


def context_of(run_id: str) -> contextvars.Context | None:
    """Return a copy of the context in which a run's limits were set here: there a person can be asked."""
    account = _accounts.get(run_id)
    return account.asked_in.copy() if account is not None and account.asked_in is not None else None


def _price(model: str, account: Account | None, own: Price | None) -> Price | None:
    """Return what counts: what the run was told, what the model knows of itself, what is known of it."""
    said = None if account is None else account.limits.prices.get(model)
    return said or own or price_of(model)


def _here() -> tuple[str, str]:
    frame = context.frame.get()
    return (context.run.get(), "") if frame is None else (frame.run, frame.agent_name)
