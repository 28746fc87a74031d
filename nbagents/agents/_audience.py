"""`Audience`: who listens to an agent, at each place of the program.

Hubs come and go while calls made before are still under way, so the past is kept as long as a call
may ask for it. Several hubs may be open at a time; each sets its own listeners.
"""

from __future__ import annotations

import bisect
from typing import Any, NamedTuple

__all__ = ["Audience"]

Path = tuple[int, ...]


class _Entry(NamedTuple):
    path: Path
    hub: Any
    """Whose listeners they are; None: they replace those of all hubs."""
    listeners: tuple[Any, ...]


def _path_of(entry: _Entry) -> Path:
    return entry.path


class Audience(tuple[_Entry, ...]):
    """Who listens from which place on, sorted by place. A value: a change makes another.

    >>> both = Audience().then((1,), "outer", ("b", "c")).then((2,), "inner", ("c", "d"))
    >>> after = both.then((3,), "inner", ())
    >>> after.at((1, 5)), after.at((2,)), after.at((9,))
    (('b', 'c'), ('b', 'c', 'd'), ('b', 'c'))
    """

    __slots__ = ()

    def then(self, path: Path, hub: Any, listeners: tuple[Any, ...]) -> Audience:
        """Return the audience with the listeners of ``hub`` set from ``path`` on; None: all are replaced."""
        log = list(self)
        bisect.insort(log, _Entry(path, hub, listeners), key=_path_of)
        return Audience(log)

    def at(self, path: Path) -> tuple[Any, ...]:
        """Return who listened there, each once."""
        if not self:
            return ()
        standing = _standing(self[: bisect.bisect_right(self, path, key=_path_of)])
        if len(standing) == 1:  # the one hub that there mostly is
            return standing[0].listeners
        return tuple(dict.fromkeys(listener for entry in standing for listener in entry.listeners))

    def since(self, path: Path | None) -> Audience:
        """Return the audience without what no call from ``path`` on can ask for; None: no call can."""
        at = len(self) if path is None else bisect.bisect_right(self, path, key=_path_of)
        return Audience([*_standing(self[:at]), *self[at:]])


def _standing(log: tuple[_Entry, ...]) -> list[_Entry]:
    """Return what of it still counts at its end: the last of each hub, where somebody listens."""
    last: dict[Any, _Entry] = {}
    for entry in log:
        if entry.hub is None:
            last.clear()
        last.pop(entry.hub, None)
        if entry.listeners:
            last[entry.hub] = entry
    return list(last.values())
