"""`plain`: whatever somebody's model or tool has answered, as JSON can hold it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .._surrogates import well_formed

__all__ = ["plain"]

DEEPEST = 90
"""Containers inside containers. The wire takes 100, and an answer lies in some itself."""
LARGEST_NUMBER = 10**300
"""Beyond it no float of another program holds a whole number, and its digits are soon too many to be read."""


def plain(value: Any) -> Any:
    """Return a copy of dictionaries, lists, texts and finite numbers alone; of the rest what `repr` says.

    >>> plain({1: (float("nan"), {2})})
    {'1': ['nan', '{2}']}

    Raises:
        ValueError: it is nested too deeply, or in itself.
    """
    return _plain(value, DEEPEST)


def _plain(value: Any, deep: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(well_formed(str(value)))
    if isinstance(value, int):
        return int(value) if abs(value) < LARGEST_NUMBER else "a number of too many digits"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if isinstance(value, Mapping | list | tuple):
        if not deep:
            raise ValueError(f"it is nested deeper than {DEEPEST} levels")
        if isinstance(value, Mapping):
            return {str(well_formed(str(key))): _plain(item, deep - 1) for key, item in value.items()}
        return [_plain(item, deep - 1) for item in value]
    return str(well_formed(repr(value)))
