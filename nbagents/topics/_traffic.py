"""`Traffic`: how many messages have passed, by the type of their topic. Knows names and numbers only."""

from __future__ import annotations

__all__ = ["OTHERS", "Traffic"]

MOST = 1000
OTHERS = "…"
"""Stands for all topic types beyond the thousandth; no topic type is called that."""


class Traffic:
    """Counts what was published, and to how many agents it went. Not locked: one thread counts.

    >>> traffic = Traffic()
    >>> traffic.count("news", 3)
    >>> traffic.count("news", 2)
    >>> traffic.counts()
    {'news': (2, 5)}
    """

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def count(self, topic_type: str, recipients: int) -> None:
        """A message was published, and goes to so many agents."""
        counted = self._counts.get(topic_type)
        if counted is None:
            if len(self._counts) >= MOST:
                topic_type = OTHERS
            counted = self._counts.setdefault(topic_type, [0, 0])
        counted[0] += 1
        counted[1] += recipients

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return how many messages each topic type has had, and to how many agents they went. Any thread."""
        return {name: (published, went) for name, (published, went) in self._counts.copy().items()}
