"""What a run's calls have cost: in all, and for each agent."""

from __future__ import annotations

from collections.abc import Iterable

from ._record import Record

__all__ = ["cost_by_agent", "cost_shown", "whole_cost"]


def whole_cost(records: Iterable[Record]) -> float | None:
    """Return the dollars in all, or None where the price of a model is not known."""
    costs = [record.cost for record in records]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def cost_shown(records: Iterable[Record]) -> float | str | None:
    """Return what a card says of it: nothing where nothing is charged."""
    costs = [record.cost for record in records if record.tokens]
    return "price unknown" if None in costs else sum(filter(None, costs)) or None


def cost_by_agent(records: Iterable[Record]) -> dict[str, tuple[int, float | None]]:
    """Return the tokens and the dollars of each agent, in the order of their first calls."""
    found: dict[str, tuple[int, float | None]] = {}
    for record in records:
        tokens, cost = found.get(record.agent, (0, 0.0))
        more = None if cost is None or record.cost is None else cost + record.cost
        found[record.agent] = (tokens + (record.tokens or 0), more)
    return found
