"""`ToolGroup`: tools that are shown to the model together, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BASIC", "ToolGroup"]

BASIC = "basic"
"""The group that is always active."""


@dataclass
class ToolGroup:
    """A group of tools; ``notes`` are for the model, how to use them."""

    name: str
    description: str
    active: bool = False
    notes: str | None = None
