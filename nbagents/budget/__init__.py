"""What a run may cost: how many calls of models, how many dollars; and what calls cost.

Models ask before each call and tell what it took. At a limit the run pauses, and a person is asked whether
it may go on; where nobody is there, the call ends with an error that says what to type.
"""

from ._ledger import Limits, after_call, before_call, forget, limits_of, set_limits, spent
from ._prices import FREE, Price, cost_of, price_of, set_prices

__all__ = [
    "FREE",
    "Limits",
    "Price",
    "after_call",
    "before_call",
    "cost_of",
    "forget",
    "limits_of",
    "price_of",
    "set_limits",
    "set_prices",
    "spent",
]
