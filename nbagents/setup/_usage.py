"""`UsageTotals`: what the models of this process and of its servers have taken, by name."""

from __future__ import annotations

import sys
import threading
from typing import Any

from .. import events

__all__ = ["llm_usage", "print_llm_usage", "usage_totals"]

_COUNTED = ("prompt_tokens", "completion_tokens", "total_tokens")


class UsageTotals:
    """Adds up what models tell of themselves, from the first `watch` on. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watching = False
        self._texts: dict[str, dict[str, Any]] = {}
        self._pictures: dict[str, dict[str, Any]] = {}

    def watch(self) -> None:
        """Begin to listen; twice is fine."""
        with self._lock:
            if not self._watching:
                self._watching = True
                events.subscribe(self._hear)

    def _hear(self, event: events.Event) -> None:
        if event.kind != "usage":
            return
        data, name = event.data, str(event.data.get("model", ""))
        with self._lock:
            if data.get("images"):
                entry = self._pictures.setdefault(name, {"model_name": name, "times": 0, "images": 0})
                entry["images"] += int(data["images"])
            else:
                empty = {"model_name": name, "times": 0, **dict.fromkeys(_COUNTED, 0)}
                entry = self._texts.setdefault(name, empty)
                for key in _COUNTED:
                    entry[key] += int(data.get(key) or 0)
            entry["times"] += 1
            if data.get("cost") is not None:
                entry["cost"] = entry.get("cost", 0.0) + float(data["cost"])

    def totals(self) -> dict[str, list[dict[str, Any]]]:
        """Return the totals, a dictionary for each model; ``cost`` in dollars where the price is known."""
        with self._lock:
            return {
                "text_and_embedding": [dict(entry) for entry in self._texts.values()],
                "image": [dict(entry) for entry in self._pictures.values()],
            }


usage_totals = UsageTotals()
"""Those of this process."""


def llm_usage() -> dict[str, list[dict[str, Any]]]:
    """Return what models have taken since `init` was called first, here and in the servers that were asked.

    ``text_and_embedding`` and ``image`` are lists with a dictionary for each model: ``model_name``,
    ``times``, tokens or ``images``, and ``cost`` in dollars where the price is known.
    """
    return usage_totals.totals()


def print_llm_usage() -> dict[str, list[dict[str, Any]]]:
    """Print what models have taken, and return it, as `llm_usage` does."""
    totals = llm_usage()
    lines = [
        f"{entry['model_name']}: {entry['times']} calls, {entry['prompt_tokens']} tokens read,"
        f" {entry['completion_tokens']} written{_cost(entry)}"
        for entry in totals["text_and_embedding"]
    ]
    lines += [
        f"{entry['model_name']}: {entry['times']} calls, {entry['images']} pictures{_cost(entry)}"
        for entry in totals["image"]
    ]
    sys.stdout.write("\n".join(lines or ["no model has been asked yet"]) + "\n")
    return totals


def _cost(entry: dict[str, Any]) -> str:
    return f", ${entry['cost']:.4f}" if entry.get("cost") else ""
