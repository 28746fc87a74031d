"""`Account`: what one run has used in this process, what it may, and what of that is lent to others."""

from __future__ import annotations

import concurrent.futures
import contextvars
import math
from collections.abc import Mapping
from dataclasses import dataclass

from ._grant import Borrower, Grant, Lender
from ._limits import Limits

__all__ = ["Account"]

PART = 4
"""What is lent ahead is at most this part of what is left."""


@dataclass(slots=True)
class _Loan:
    """What a place has got in all, and how much of it is known to be used."""

    calls: int = 0
    dollars: float = 0.0
    cost: float = 0.0
    unused: bool = False
    """May there be something to take back?"""


class Account:
    """One run. Whoever uses it holds the lock of the ledgers.

    Where it has a ``lender``, the most that it may is what it was lent.
    """

    def __init__(
        self,
        limits: Limits,
        lender: Lender | None = None,
        first: Grant | None = None,
        asked_in: contextvars.Context | None = None,
    ) -> None:
        self.limits, self.lender, self.asked_in = limits, lender, asked_in
        self.max_calls, self.budget = limits.max_calls, limits.budget
        if lender is not None:
            self.max_calls = None if self.max_calls is None else 0
            self.budget = None if self.budget is None else 0.0
        self.calls, self.cost, self.once = 0, 0.0, 0
        self.by: dict[str, float] = {}
        self.cost_by: dict[str, float] = {}
        self.refused = self.hint = ""
        self.open: concurrent.futures.Future[None] | None = None
        self.waiting = 0
        self.part = Grant()
        """What it may use beside, once the lender is gone."""
        self._loans: dict[Borrower, _Loan] = {}
        if first is not None:
            self.receive(first)

    # ---- how it stands

    def used_calls(self) -> int:
        """Return how many calls were made here or lent."""
        return self.calls + sum(loan.calls for loan in self._loans.values())

    def known_cost(self) -> float:
        """Return what calls have cost, here and where something is lent."""
        return self.cost + sum(loan.cost for loan in self._loans.values())

    def _used_dollars(self) -> float:
        return self.cost + sum(max(loan.dollars, loan.cost) for loan in self._loans.values())

    def full(self) -> str:
        """Return which limit is reached: "budget", "max_calls", or ""."""
        if self.max_calls is not None and self.used_calls() >= self.max_calls:
            return "max_calls"
        if self.budget is None or self.once or self._used_dollars() < self.budget:
            return ""
        # Whoever asks first may make a call, though the budget is nothing.
        return "budget" if self.lender is not None or self.calls or self._loans else ""

    def state(self, which: str) -> str:
        """Say how much is used up, and by whom most."""
        if which == "budget":
            cost = self.known_cost()
            return f"${cost:.4g} of ${self.budget:.4g} spent{_largest(self.cost_by, cost)}"
        return f"{self.used_calls()} of {_calls(self.max_calls or 0)} made{_largest(self.by)}"

    def more(self, which: str) -> float:
        """Say how much is offered: as much again as the run was given."""
        given = self.limits.budget if which == "budget" else self.limits.max_calls
        return given or (0.01 if which == "budget" else 1)

    # ---- its own calls

    def take(self, agent: str) -> bool:
        """Count a call that is made here; False if there is no room for it."""
        if self.refused or self.full():
            return False
        if self.once and self.budget is not None and self._used_dollars() >= self.budget:
            self.once -= 1
        self.calls += 1
        self.by[agent] = self.by.get(agent, 0) + 1
        return True

    def spend(self, agent: str, cost: float | None) -> None:
        """Note what a call cost that was made here."""
        if cost is not None:
            self.cost += cost
            self.cost_by[agent] = self.cost_by.get(agent, 0.0) + cost

    def answered(self, which: str, allowed: float) -> None:
        """Take in how much more a person has allowed; 0 is none."""
        if not allowed:
            self.refused = f"the run was stopped at its limit: {self.state(which)}"
        elif which == "budget":
            self.budget = max(self.budget or 0.0, self.known_cost()) + allowed
        else:
            self.max_calls = max(self.max_calls or 0, self.used_calls()) + max(math.ceil(allowed), 1)

    # ---- what it borrows

    def receive(self, more: Grant | None) -> None:
        """Take in what the lender lends; None: it is gone."""
        if more is None:
            self.stand_alone()
        elif more.refused:
            self.refused, self.hint = more.refused, more.hint
        else:
            if self.max_calls is not None:
                self.max_calls += more.calls
            if self.budget is not None and more.dollars:
                self.budget = max(self.budget, self._used_dollars()) + more.dollars
            self.once += more.once

    def give_back(self) -> Grant:
        """Take out what is not used, and return it."""
        calls, dollars = 0, 0.0
        if self.max_calls is not None:
            calls, self.max_calls = max(self.max_calls - self.used_calls(), 0), self.used_calls()
        if self.budget is not None:
            dollars, self.budget = max(self.budget - self._used_dollars(), 0.0), self._used_dollars()
        self.once = 0
        return Grant(calls, dollars)

    def stand_alone(self) -> None:
        """Go on with what is left, without the lender."""
        if self.lender is not None:
            self.lender = None
            self.receive(self.part)
            self.part = Grant()

    # ---- what it lends

    def lend(self, borrower: Borrower, calls: int) -> Grant:
        """Lend enough for so many calls, or fewer, and something ahead; nothing if there is no room."""
        if calls and (self.refused or self.full()):
            return Grant()
        if self.max_calls is None and self.budget is None:
            return Grant(once=calls)
        loan = self._loans.setdefault(borrower, _Loan())
        lent, dollars, once = 0, 0.0, 0
        if self.max_calls is not None:
            room = max(self.max_calls - self.used_calls(), 0)
            calls = min(calls, room)
            lent = calls + (room - calls) // PART
        if self.budget is not None:
            dollars = self._ahead()
            if not dollars and calls:
                if self._used_dollars() >= self.budget:
                    calls = min(calls, self.once)
                    self.once -= calls
                once, lent = calls, min(lent, calls)
        loan.calls += lent
        if dollars:
            loan.dollars = max(loan.dollars, loan.cost) + dollars
        loan.unused = loan.unused or lent > calls or dollars > 0
        return Grant(lent, dollars, once)

    def _ahead(self) -> float:
        """Return the dollars that are lent ahead: none where they would not last for a few calls."""
        assert self.budget is not None
        part = max(self.budget - self._used_dollars(), 0.0) / PART
        made = self.used_calls()
        return part if part > 2 * self.known_cost() / max(made, 1) else 0.0

    def told(self, borrower: Borrower, agent: str, cost: float | None) -> None:
        """Take in a call that was made elsewhere."""
        loan = self._loans.setdefault(borrower, _Loan())
        self.by[agent] = self.by.get(agent, 0) + 1
        if cost is not None:
            loan.cost += cost
            self.cost_by[agent] = self.cost_by.get(agent, 0.0) + cost

    def unused(self) -> list[Borrower]:
        """Return the places that may give something back."""
        return [borrower for borrower, loan in self._loans.items() if loan.unused]

    def taken_back(self, borrower: Borrower, back: Grant) -> None:
        """Take in what a place has given back."""
        loan = self._loans.get(borrower)
        if loan is not None:
            loan.calls = max(loan.calls - back.calls, 0)
            loan.dollars = max(loan.dollars - back.dollars, 0.0)
            loan.unused = False

    def tell_shares(self, run_id: str) -> None:
        """Tell the places to which something is lent what is theirs should this process end."""
        if self.lender is not None or not self._loans:
            return
        parts = len(self._loans)
        calls = 0 if self.max_calls is None else max(self.max_calls - self.used_calls(), 0) // parts
        dollars = 0.0 if self.budget is None else max(self.budget - self._used_dollars(), 0.0) / parts
        for borrower in list(self._loans):
            borrower.share(run_id, Grant(calls, dollars))


def _largest(by: Mapping[str, float], whole: float = 0.0) -> str:
    whole = whole or sum(by.values())
    if len(by) < 2 or not whole:
        return ""
    name = max(by, key=lambda each: by[each])
    return f" ({name} {by[name] / whole:.0%})"


def _calls(number: int) -> str:
    return f"{number} call{'' if number == 1 else 's'}"
