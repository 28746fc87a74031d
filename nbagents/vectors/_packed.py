"""Vectors as bytes: 32-bit floats, the same on every machine."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

__all__ = ["packed", "unpacked"]


def packed(vector: Sequence[float]) -> bytes:
    """Return the bytes of a vector.

    >>> unpacked(packed([1.0, 0.5]))
    array('f', [1.0, 0.5])
    """
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def unpacked(data: bytes) -> array[float]:
    """Return the vector in these bytes."""
    numbers = array("f", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
