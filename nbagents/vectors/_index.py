"""`VectorIndex`: vectors by name, searched by cosine, kept in one file."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exceptions import StateCorruptError, UsageError
from ._file import Known, VectorFile
from ._matrix import Matrix

__all__ = ["Hit", "VectorIndex"]


@dataclass(frozen=True, slots=True)
class Hit:
    """What a search has found: the name, the cosine from -1 to 1, and the data that was given with it."""

    name: str
    score: float
    data: Mapping[str, Any] = field(default_factory=dict)


class VectorIndex:
    """Vectors by name, with plain data, in one SQLite file that only its user can read (0600).

    The file may be open in several processes: each sees what the others have written, and a process that
    is killed leaves what it had finished. Without a path it lives in memory. All vectors of one index
    have the same number of dimensions; they are kept as 32-bit floats. Safe from any thread; blocking.

    >>> with VectorIndex() as index:
    ...     index.add("rain", [1, 0], {"text": "Grey beads"})
    ...     index.add("sun", [0, 1])
    ...     index.search([2, 1], top_k=1)
    [Hit(name='rain', score=0.894427, data={'text': 'Grey beads'})]

    Raises:
        StorageError: the file cannot be opened; `StateCorruptError`: it is no such file, or damaged. So do
            the methods.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._lock = threading.RLock()
        self._file = VectorFile(None if path is None else Path(path))
        self._matrix, self._known, self._dimensions = Matrix(), Known(), 0

    @property
    def path(self) -> Path | None:
        """Where its file is; None in memory."""
        return self._file.path

    def add(self, name: str, vector: Sequence[float], data: Mapping[str, Any] | None = None) -> None:
        """Add a vector, or put another one in its place, with data that JSON can hold."""
        self.add_many([(name, vector, data)])

    def add_many(self, entries: Iterable[tuple[str, Sequence[float], Mapping[str, Any] | None]]) -> None:
        """Add several at once: all of them, or none.

        Raises:
            UsageError: one is no vector of as many dimensions as the others, or its data is not plain.
        """
        checked = [(name, _checked(name, vector), _written(name, data)) for name, vector, data in entries]
        with self._lock:
            self._file.put(checked)

    def search(self, vector: Sequence[float], top_k: int = 5) -> list[Hit]:
        """Return the ``top_k`` that point most the same way, the best first.

        Raises:
            UsageError: it is no vector, or one of another number of dimensions.
        """
        asked = _checked("what is looked for", vector)
        with self._lock:
            self._catch_up()
            if len(self._matrix) and len(asked) != self._dimensions:
                raise UsageError(
                    f"what is looked for has {len(asked)} dimensions, and the vectors in {self._file.where}"
                    f" have {self._dimensions}: use the embedding model that made them"
                )
            best = self._matrix.best(asked, max(top_k, 0))
            known = self._file.data([name for name, _ in best])
        # Another process may have removed one since.
        return [Hit(name, score, self._read(known[name])) for name, score in best if name in known]

    def delete(self, names: str | Iterable[str]) -> int:
        """Remove vectors by name; return how many there were."""
        with self._lock:
            return self._file.remove([names] if isinstance(names, str) else list(names))

    def clear(self) -> None:
        """Remove all."""
        with self._lock:
            self._file.clear()

    def __len__(self) -> int:
        with self._lock:
            self._catch_up()
            return len(self._matrix)

    def __bool__(self) -> bool:
        return True  # an empty index is an index

    def close(self) -> None:
        """Close the file. Twice is fine."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> VectorIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _catch_up(self) -> None:
        """Take in what has been written since, here or by another process."""
        news = self._file.news(self._known)
        if news.anew:
            self._matrix = Matrix()
        for name in news.removed:
            self._matrix.drop(name)
        for name, vector in news.added:
            self._matrix.put(name, vector)
        self._known, self._dimensions = news.known, news.dimensions

    def _read(self, text: str) -> dict[str, Any]:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise StateCorruptError(f"{self._file.where} is damaged: the data of a vector is no JSON object")
        return data


def _checked(name: str, vector: Sequence[float]) -> list[float]:
    try:
        numbers = [float(number) for number in vector]
    except (TypeError, ValueError):
        numbers = []
    if not numbers or not all(map(math.isfinite, numbers)):
        raise UsageError(f"the vector of {name[:60]!r} is no list of finite numbers")
    return numbers


def _written(name: str, data: Mapping[str, Any] | None) -> str:
    try:
        return json.dumps(dict(data or {}), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the data of {name[:60]!r} is nothing that JSON can hold: {error}") from None
