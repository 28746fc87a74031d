"""`Limits`: what a run may ask of models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..exceptions import UsageError
from ._prices import Price

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may ask of models. ``ask`` says whether a person may be asked for more.

    The process that begins a run keeps them, for all servers in which the run has agents: see `Grant`.
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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
