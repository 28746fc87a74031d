"""`Level`: how much a sandbox keeps away; and which one is asked for at least."""

from __future__ import annotations

import os
from enum import IntEnum

from ..exceptions import UsageError

__all__ = ["VARIABLE", "Level", "least_level"]

VARIABLE = "NBAGENTS_SANDBOX"
"""The variable of the environment by which a person accepts a lower level."""


class Level(IntEnum):
    """How much a sandbox keeps away. A higher one keeps away all that the lower ones do.

    >>> Level.NAMESPACES > Level.LANDLOCK
    True
    """

    LIMITS = 0
    """Limits alone: the program reads and writes what its user may."""
    LANDLOCK = 1
    """Files but its own are closed to it, and the network; it still sees that there are others."""
    NAMESPACES = 2
    """It has a file system, processes and a network of its own, in which there is nothing else."""
    BUBBLEWRAP = 3
    """The same, made by the program bubblewrap, which many others rely on."""


def least_level(given: Level | None = None) -> Level:
    """Return the level below which nothing runs: the given one, else the environment's, else namespaces.

    Raises:
        UsageError: the environment names none.
    """
    if given is not None:
        return Level(given)
    named = os.environ.get(VARIABLE, "").strip()
    if not named:
        return Level.NAMESPACES
    try:
        return Level[named.upper()]
    except KeyError:
        known = ", ".join(level.name.lower() for level in Level)
        raise UsageError(f"{VARIABLE} is {named[:50]!r}; the levels of a sandbox are {known}") from None
