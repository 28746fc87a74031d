"""`Letters`: the typed messages of a run: who sent them, to whom or to which topic, and who handled them.

Gathered from events of the kinds "sent" and "handled". Its owner holds the lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from ..events import Event
from ..render import LaneView, Span
from ._record import Interval

__all__ = ["Letters", "shown"]

KINDS = frozenset({"sent", "handled"})
MOST = 500
"""Agents, or pairs of those who speak to each other, that are told apart in one run."""
SPANS = 1000
"""Spans of one agent; what comes after is joined to the last."""


class Letters:
    """What typed messages have done so far. Times are seconds of ``time.monotonic``."""

    def __init__(self) -> None:
        self.agents: dict[str, list[Interval]] = {}
        """When each agent handled messages; those that only sent some have no span."""
        self.topics: dict[str, int] = {}
        """How many messages were published to each topic."""
        self.sent = Counter[str]()
        """How many messages each agent has sent; "" is a program."""
        self.edges = Counter[tuple[str, str]]()
        """Who spoke to whom. A published message goes to its topic, and from there to who handled it."""

    def hear(self, event: Event) -> None:
        """Take in a message that was sent, or handled; any other event is none of ours."""
        if event.kind not in KINDS:
            return
        topic, recipient = event.data.get("topic"), event.data.get("recipient")
        if event.agent and event.agent not in self.agents and len(self.agents) < MOST:
            self.agents[event.agent] = []
        if topic is not None and (topic in self.topics or len(self.topics) < MOST):
            self.topics.setdefault(topic, 0)
        if event.kind == "sent":
            speaker = event.agent or str(event.data.get("caller") or "")
            self.sent[event.agent] += 1
            if topic in self.topics:
                self.topics[topic] += 1
            self._draw(speaker, str(topic if topic is not None else recipient))
        else:
            if topic is not None:
                self._draw(str(topic), event.agent)
            self._handled(event)

    def lanes(self, start: float, colors: Mapping[str, int]) -> list[LaneView]:
        """Return who was busy when, in seconds since ``start``."""
        return [
            LaneView(shown(agent), colors[agent], tuple(_span(span, start) for span in spans))
            for agent, spans in self.agents.items()
            if spans
        ]

    def colors(self, color_of: Callable[[str], int | None], others: int) -> dict[str, int]:
        """Return the agents' colours: those that they have, else the next after so many ``others``."""
        known = {agent: color_of(shown(agent)) for agent in self.agents}
        return {
            agent: others + number if color is None else color
            for number, (agent, color) in enumerate(known.items())
        }

    def _draw(self, speaker: str, listener: str) -> None:
        if (speaker, listener) in self.edges or len(self.edges) < MOST:
            self.edges[speaker, listener] += 1

    def _handled(self, event: Event) -> None:
        spans = self.agents.get(event.agent)
        if spans is None:
            return
        began = event.at - float(event.data.get("seconds") or 0)
        if spans and (began <= spans[-1][1] or len(spans) >= SPANS):  # several at the same time
            began = min(spans.pop()[0], began)
        spans.append((began, event.at, "model"))


def shown(name: str) -> str:
    """Return how an agent or a topic is shown: without the key that all have by default.

    >>> shown("poet/default"), shown("poet/paris")
    ('poet', 'poet/paris')
    """
    return name.removesuffix("/default")


def _span(interval: Interval, start: float) -> Span:
    return (max(interval[0] - start, 0.0), max(interval[1] - start, 0.0), interval[2])
