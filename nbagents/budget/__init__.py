"""What a run may cost: how many calls of models, how many dollars; and what calls cost.

Models ask before each call and tell what it took. At a limit the run pauses, and a person is asked whether
it may go on; where nobody is there, the call ends with an error that says what to type. A limit is one,
wherever the run's agents live: the process that began the run lends the others parts of it (`Grant`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._grant import Borrower, Grant, Lender
    from ._ledger import (
        after_call,
        before_call,
        borrow,
        context_of,
        forget,
        give_back,
        grant,
        left,
        lend,
        lender_of,
        limits_of,
        receive,
        set_limits,
        shared,
        spent,
        taken_back,
        tell_shares,
        told,
    )
    from ._limits import Limits
    from ._prices import FREE, Price, cost_of, price_of, set_prices

__all__ = [
    "FREE",
    "Borrower",
    "Grant",
    "Lender",
    "Limits",
    "Price",
    "after_call",
    "before_call",
    "borrow",
    "context_of",
    "cost_of",
    "forget",
    "give_back",
    "grant",
    "left",
    "lend",
    "lender_of",
    "limits_of",
    "price_of",
    "receive",
    "set_limits",
    "set_prices",
    "shared",
    "spent",
    "taken_back",
    "tell_shares",
    "told",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_grant": "Borrower Grant Lender",
        "_ledger": "after_call before_call borrow context_of forget give_back grant left lend lender_of"
        " limits_of receive set_limits shared spent taken_back tell_shares told",
        "_limits": "Limits",
        "_prices": "FREE Price cost_of price_of set_prices",
    },
)
