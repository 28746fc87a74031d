"""What a model costs, as its configuration tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import budget
from ._address import is_loopback

__all__ = ["price_in"]


def price_in(config: Mapping[str, Any]) -> budget.Price | None:
    """Return the price of a model by its configuration, or None where nobody knows it.

    It is what the configuration says, nothing on this machine, else what is known of a model of that name.

    >>> price_in({"endpoint": "demo"}) == budget.FREE, price_in({"config_name": "my-own"})
    (True, None)

    Raises:
        UsageError: it says something that is no price.
    """
    said = config.get("price")
    if said is not None:
        return budget.Price.of(said, repr(config.get("config_name") or "a model"))
    url = config.get("base_url") or config.get("api_url")
    if config.get("endpoint") == "demo" or (isinstance(url, str) and is_loopback(url)):
        return budget.FREE
    return budget.price_of(str(config.get("model_name") or config.get("config_name") or ""))
