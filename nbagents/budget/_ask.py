"""`ask_for_more`: the question to a person whether a run may go on at its limit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import asking, recording
from ..exceptions import BudgetExceededError, UsageError

if TYPE_CHECKING:
    from ._account import Account

__all__ = ["ask_for_more", "exceeded"]

_YES = re.compile(r"\s*(?:y|yes|ok|okay|sure|go on|allow\b.*)\s*\Z", re.IGNORECASE)
_MORE = re.compile(r"\s*(?:allow\s+)?\$?\s*(\d+(?:\.\d+)?)(?:\s*more)?(?:\s*calls?)?\s*\Z", re.IGNORECASE)


async def ask_for_more(account: Account, which: str, agent: str) -> float:
    """Return how much more a person allows, 0 for none.

    Raises:
        BudgetExceededError: nobody may be asked, or nobody is there.
    """
    state, more = account.state(which), account.more(which)
    offer = f"${more:.4g} more" if which == "budget" else f"{more:.0f} more call{'' if more == 1 else 's'}"
    if not account.limits.ask:
        raise exceeded(f"the run has reached its limit: {state}", which)
    question = asking.Question(
        agent or "budget",
        f"The run is paused at its limit: {state}. Go on? ",
        choices=(f"allow {offer}", "stop"),
    )
    try:
        with recording.aside():  # it is about this run, and none of what is said in it
            said = (await asking.fill(question)).text
    except (UsageError, EOFError, TimeoutError):
        raise exceeded(f"the run has reached its limit: {state}", which) from None
    number = _MORE.fullmatch(said)
    if number is not None:
        return float(number[1])
    return more if _YES.fullmatch(said) else 0.0


def exceeded(text: str, which: str = "", hint: str = "") -> BudgetExceededError:
    """Return the error of a run that may ask no more."""
    flag = {"budget": "--budget 1.00", "max_calls": "--max-calls 50"}.get(which)
    return BudgetExceededError(text, hint=f"a higher limit: {flag}" if flag else hint or None)
