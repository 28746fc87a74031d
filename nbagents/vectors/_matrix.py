"""`Matrix`: vectors of length one, by name, and which of them point most in a direction.

With numpy, if it is installed, a search in ten thousand takes about a millisecond, else about half a second.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Sequence, Set
from operator import itemgetter, mul
from typing import Any

__all__ = ["Matrix"]


class Matrix:
    """Vectors by name, in no order. For one thread at a time."""

    def __init__(self) -> None:
        self._rows: Any = _rows()
        self._names: list[str] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    @property
    def names(self) -> Set[str]:
        """The names of all."""
        return self._places.keys()

    def put(self, name: str, vector: array[float]) -> None:
        """Add a vector, or put another one in its place."""
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = len(self._names)
            self._names.append(name)
        self._rows.put(place, vector)

    def drop(self, name: str) -> None:
        """Remove a vector; nothing happens if there is none of that name."""
        place = self._places.pop(name, None)
        if place is None:
            return
        last = self._names.pop()
        if last != name:  # the last one moves into the gap
            self._names[place], self._places[last] = last, place
            self._rows.move(len(self._names), place)

    def best(self, vector: Sequence[float], count: int) -> list[tuple[str, float]]:
        """Return the names that are most like it, with the cosine, the best first."""
        if not self._names:
            return []
        best = self._rows.best(_unit(vector), len(self._names), count)
        return [(self._names[place], round(float(score), 6)) for place, score in best]


class _Numpy:
    def __init__(self, numpy: Any) -> None:
        self._numpy: Any = numpy
        self._matrix: Any = None

    def put(self, place: int, vector: array[float]) -> None:
        row = self._numpy.asarray(vector, "float32")
        if self._matrix is None:
            self._matrix = self._numpy.empty((16, len(row)), "float32")
        elif place == len(self._matrix):
            self._matrix = self._numpy.concatenate([self._matrix, self._numpy.empty_like(self._matrix)])
        self._matrix[place] = row / (self._numpy.linalg.norm(row) or 1)

    def move(self, source: int, target: int) -> None:
        self._matrix[target] = self._matrix[source]

    def best(self, vector: list[float], count: int, wanted: int) -> list[tuple[int, float]]:
        scores = self._matrix[:count] @ self._numpy.asarray(vector, "float32")
        places = list(range(count))
        if wanted < count // 2:  # all that are as good as the last one wanted, which are few
            last = self._numpy.partition(scores, count - max(wanted, 1))[count - max(wanted, 1)]
            places = self._numpy.flatnonzero(scores >= last).tolist()
        return heapq.nlargest(wanted, zip(places, scores[places].tolist(), strict=True), key=itemgetter(1))


class _Plain:
    def __init__(self) -> None:
        self._list: list[array[float]] = []

    def put(self, place: int, vector: array[float]) -> None:
        self._list[place : place + 1] = [array("f", _unit(vector))]

    def move(self, source: int, target: int) -> None:
        self._list[target] = self._list[source]

    def best(self, vector: list[float], count: int, wanted: int) -> list[tuple[int, float]]:
        scores = [sum(map(mul, row, vector)) for row in self._list[:count]]
        return heapq.nlargest(wanted, enumerate(scores), key=itemgetter(1))


def _rows() -> _Numpy | _Plain:
    try:
        import numpy  # at first use: it takes a tenth of a second
    except ImportError:
        return _Plain()
    return _Numpy(numpy)


def _unit(vector: Sequence[float]) -> list[float]:
    length = math.hypot(*vector)
    return [number / length for number in vector] if length else list(vector)
