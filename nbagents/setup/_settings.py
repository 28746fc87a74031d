"""`Settings`: which model and which limits count where a cell says nothing, in one session."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .. import budget
from ..config import ProjectConfig
from ..exceptions import UsageError
from ..models import ModelChoice, choose_model, price_in
from ..tools import RULES
from ..tools._policy import set_policy

__all__ = ["Settings"]

KNOWN = ("model", "budget", "max_calls", "approve")
GUARD = 50
"""Calls after which a run pauses that nobody has limited, where a key that costs was found."""


class Settings:
    """What ``%agents config`` and the project file say; a part of `Session`."""

    def __init__(self, folder: str = "", *, headless: bool = False) -> None:
        self.folder, self.headless = folder or os.getcwd(), headless
        self._defaults: dict[str, Any] = {}

    def choose(self, model: str | None = None, *, probe: bool = False) -> ModelChoice:
        """Choose a model as `choose_model` does, with this workspace's project file."""
        default = self._defaults.get("model")
        project = ProjectConfig.find(self.folder)
        choice = choose_model(model or default, project=project, headless=self.headless, probe=probe)
        return replace(choice, source="%agents config") if default and not model else choice

    def configure(self, **values: str) -> None:
        """Set defaults of this session: ``model``, ``budget`` in dollars, ``max_calls``, ``approve``.

        Raises:
            UsageError, ModelChoiceError: there is no such setting, or no such model.
        """
        odd = sorted(set(values) - set(KNOWN))
        if "model" in values:
            choose_model(values["model"], headless=self.headless)
        if odd:
            raise UsageError(f"%agents config knows no {', '.join(odd)}; it knows: {', '.join(KNOWN)}")
        read: dict[str, Any] = dict(values)
        for name, kind in (("budget", float), ("max_calls", int)):
            if name in read:
                read[name] = _number(name, kind, values[name])
        if read.get("approve", "ask") not in RULES:
            raise UsageError(f"%agents config: approve is {', '.join(RULES)}, not {read['approve']!r}")
        self._defaults |= read
        if "approve" in read:  # for the calls of plain cells too, and however mild a run is
            set_policy(read["approve"])

    def forget(self) -> None:
        """Let the tools of this process no longer be bound by what was said here."""
        if self._defaults.pop("approve", None) is not None:
            set_policy(None)

    def defaults(self) -> dict[str, Any]:
        """Return what is set: by ``%agents config``, else by the project file."""
        project = ProjectConfig.find(self.folder)
        # Who has written the project file may not say what tools may do here: only the person does.
        said = {"model": project.model, "budget": project.budget, "max_calls": project.max_calls}
        said |= {"approve": None}
        return {name: self._defaults.get(name, value) for name, value in said.items()}

    def limits(
        self, dollars: float | None = None, max_calls: int | None = None, *, ask: bool = True
    ) -> budget.Limits | None:
        """Return the limits of a run that asks for these, or for none; None where there are none at all.

        A run that nobody has limited gets `GUARD` calls where the model was chosen for a key that costs.
        """
        project = ProjectConfig.find(self.folder)
        budget.set_prices(project.prices)
        prices = {name: budget.Price.of(value, name) for name, value in project.prices.items()}
        if dollars is None and max_calls is None:
            said = self.defaults()
            dollars, max_calls = said["budget"], said["max_calls"]
            if dollars is None and max_calls is None and self._costs():
                max_calls = GUARD
        if dollars is None and max_calls is None and not prices:
            return None
        return budget.Limits(max_calls, dollars, prices, ask)

    def guard(self) -> str:
        """Say that runs are limited without anybody having asked for it; "" where they are not."""
        said = self.defaults()
        if said["budget"] is not None or said["max_calls"] is not None or not self._costs():
            return ""
        return (
            f"{self.choose().label} costs; a run pauses after {GUARD} calls unless told otherwise: "
            "`--max-calls N`, `--budget $`, or `%agents config max_calls=N`"
        )

    def _costs(self) -> bool:
        try:
            choice = self.choose()
        except UsageError:
            return False
        return choice.source == "OPENAI_API_KEY" and price_in(choice.config) != budget.FREE

    def without_price(self, configs: Iterable[Mapping[str, Any]]) -> list[str]:
        """Return the names of those models whose price nobody knows."""
        priced = ProjectConfig.find(self.folder).prices
        names = {
            str(config.get("label") or config.get("model_name") or config.get("config_name"))
            for config in configs
            if price_in(config) is None
        }
        return sorted(names - set(priced))


def _number(name: str, kind: type, text: str) -> Any:
    try:
        number = kind(text.removeprefix("$"))
        if number > 0 and number != float("inf"):
            return number
    except ValueError:
        pass
    what = "a whole number" if kind is int else "dollars"
    raise UsageError(f"%agents config: {name} needs {what} above 0, not {text!r}")
