"""`Grant`: a part of what a run may, lent by one place of the run to another; and what the two say of it.

The process that began a run is its hub. It lends each server part of what is left, so that no call of a
model there waits for the hub while the limit is far; what is lent gets smaller as the limit comes near, and
in the end each call is asked for. Before it asks a person, the hub takes back what is lent and not used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..exceptions import ProtocolError

__all__ = ["Borrower", "Grant", "Lender"]

LONGEST_TEXT = 2000
MOST = 10**12


@dataclass(frozen=True, slots=True)
class Grant:
    """So many calls of models and so many dollars more; and calls allowed ``once``, whatever they cost."""

    calls: int = 0
    dollars: float = 0.0
    once: int = 0
    refused: str = ""
    """Why there is none, and will be none any more."""
    hint: str = ""

    def __bool__(self) -> bool:
        return bool(self.calls or self.dollars or self.once)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        told = {"calls": self.calls, "dollars": self.dollars, "once": self.once}
        return told | ({"refused": self.refused, "hint": self.hint} if self.refused else {})

    @classmethod
    def read(cls, tree: Mapping[str, Any]) -> Grant:
        """Return the grant that `to_dict` wrote.

        >>> Grant.read(Grant(3, 0.5).to_dict()) == Grant(3, 0.5)
        True

        Raises:
            ProtocolError: it is none.
        """
        calls, once, dollars = tree.get("calls", 0), tree.get("once", 0), tree.get("dollars", 0.0)
        if any(type(number) is not int or not 0 <= number < MOST for number in (calls, once)):
            raise ProtocolError("a grant has whole numbers of calls")
        if type(dollars) not in (int, float) or not (math.isfinite(dollars) and 0 <= dollars < MOST):
            raise ProtocolError("a grant has a number of dollars")
        refused, hint = (str(tree.get(name) or "")[:LONGEST_TEXT] for name in ("refused", "hint"))
        return cls(calls, float(dollars), once, refused, hint)


class Lender(Protocol):
    """Where a place gets more from. On the background loop, but for `tell`."""

    async def ask(self, run: str, agent: str, calls: int) -> Grant | None:
        """Ask for so many calls at least; wait for the answer. None: it is gone for good."""

    def tell(self, run: str, agent: str, cost: float | None) -> None:
        """Tell of a call that is over; nothing waits. Any thread."""


class Borrower(Protocol):
    """A place to which something is lent."""

    async def recall(self, run: str) -> Grant:
        """Take back what it does not use; return how much that is. It must end, and not raise."""

    def share(self, run: str, left: Grant) -> None:
        """Tell how much more it may use should the lender go away; nothing waits. Any thread."""
