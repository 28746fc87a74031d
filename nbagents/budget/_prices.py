"""Prices of models, in dollars: what a project says, else what some makers publish."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..exceptions import UsageError

__all__ = ["FREE", "Price", "cost_of", "price_of", "set_prices"]

MILLION = 1_000_000
_DATED = re.compile(r"-(?:\d{4}-\d\d-\d\d|\d{8}|latest)\Z")


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens that a model reads, and for a million that it writes."""

    reads: float
    writes: float

    @classmethod
    def of(cls, value: Any, whose: str) -> Price:
        """Read ``[reads, writes]``, or one number for both.

        >>> Price.of([0.15, 0.6], "mine")
        Price(reads=0.15, writes=0.6)

        Raises:
            UsageError: it is neither.
        """
        pair = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value, value]
        fine = len(pair) == 2 and all(
            isinstance(each, (int, float))
            and not isinstance(each, bool)
            and math.isfinite(each)
            and each >= 0
            for each in pair
        )
        if not fine:
            raise UsageError(
                f"the price of {whose} must be two numbers, dollars for a million tokens read and written, "
                f"such as [0.15, 0.60], not {value!r}"
            )
        return cls(float(pair[0]), float(pair[1]))

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what a call costs.

        >>> round(Price(0.15, 0.6).cost(1000, 500), 6)
        0.00045
        """
        return (prompt_tokens * self.reads + completion_tokens * self.writes) / MILLION


FREE = Price(0.0, 0.0)

# As OpenAI published them in the middle of 2025. A project file overrides them.
_PUBLISHED = {
    "gpt-5": Price(1.25, 10.0),
    "gpt-5-mini": Price(0.25, 2.0),
    "gpt-5-nano": Price(0.05, 0.4),
    "gpt-4.1": Price(2.0, 8.0),
    "gpt-4.1-mini": Price(0.4, 1.6),
    "gpt-4.1-nano": Price(0.1, 0.4),
    "gpt-4o": Price(2.5, 10.0),
    "gpt-4o-mini": Price(0.15, 0.6),
    "gpt-4-turbo": Price(10.0, 30.0),
    "gpt-3.5-turbo": Price(0.5, 1.5),
    "o1": Price(15.0, 60.0),
    "o3": Price(2.0, 8.0),
    "o3-mini": Price(1.1, 4.4),
    "o4-mini": Price(1.1, 4.4),
}
_said: dict[str, Price] = {}


def set_prices(prices: Mapping[str, Any]) -> None:
    """Say what models cost in this process, by name; replaces what was said before.

    Raises:
        UsageError: a price is none.
    """
    global _said
    _said = {str(model): Price.of(value, str(model)) for model, value in prices.items()}


def price_of(model: str) -> Price | None:
    """Return the price of the model of that name, or None where nobody has said it.

    What `set_prices` was told counts before what is published.

    >>> price_of("gpt-4o-mini-2024-07-18")
    Price(reads=0.15, writes=0.6)
    >>> price_of("my-own-model") is None
    True
    """
    names = dict.fromkeys((model, _DATED.sub("", model)))
    return next((table[name] for table in (_said, _PUBLISHED) for name in names if name in table), None)


def cost_of(model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
    """Return what so many tokens cost in dollars, or None where the price is not known."""
    price = price_of(model)
    return None if price is None else price.cost(prompt_tokens, completion_tokens)
