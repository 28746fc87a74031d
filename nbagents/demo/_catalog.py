"""The demo models: one set of rules, six ways to behave."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["CATALOG", "SPEED", "DemoModel", "model_named"]

SPEED = 40.0
"""Tokens per second that the demo models simulate."""


@dataclass(frozen=True, slots=True)
class DemoModel:
    """How one demo model behaves.

    Attributes:
        name: What a request calls it.
        paced: Its words come at the simulated speed; otherwise at once.
        first: Seconds before the first word, kept also where no speed is simulated.
        long: It speaks a few hundred words, whatever it is asked.
        flaky: It refuses each conversation once with status 429.
        broken: It fails with status 500.
    """

    name: str
    paced: bool = True
    first: float = 0.0
    long: bool = False
    flaky: bool = False
    broken: bool = False

    def tokens_per_second(self, speed: float) -> float:
        """Return the speed to simulate; 0 means none."""
        return speed if self.paced else 0.0


CATALOG = {
    model.name: model
    for model in (
        DemoModel("demo"),
        DemoModel("demo-fast", paced=False),
        DemoModel("demo-slow", paced=False, first=1.0),
        DemoModel("demo-long", long=True),
        DemoModel("demo-flaky", flaky=True),
        DemoModel("demo-error", broken=True),
    )
}


def model_named(name: str, stand_in: str | None = None) -> DemoModel | None:
    """Return the model of that name; of any other, the one that stands in for it, or None."""
    if name in CATALOG:
        return CATALOG[name]
    return None if stand_in is None else replace(CATALOG[stand_in], name=name)
