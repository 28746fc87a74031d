"""Classes of a notebook whose agents live in servers: what the notebook defines anew follows them there.

A class is collected again as soon as one of the names that it uses means something else, at the end of
the cell at the latest, and before the next call of one of its agents. Each agent is told by a call of
its own, so the calls made before the new definition meet the old one.
"""

from __future__ import annotations

import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from .. import context
from .._ids import PROCESS
from ..agents import AgentBase, scheduler
from ..exceptions import AgentCreationError, NbAgentsError
from ..message import PlaceholderMessage
from ._proxy import RpcAgent
from ._source import MISSING, NOTEBOOKS, Collector, namespace_of
from ._unit import Unit
from ._workshop import EXCHANGE

if TYPE_CHECKING:
    from ._dist import Home

__all__ = ["NotebookAgent", "NotebookClass", "send_new_classes"]

IDLE_SECONDS, BUSY_SECONDS = 5.0, 0.3
"""How long the end of a cell waits for agents to take on their new class: those that are free, and others."""


class NotebookClass:
    """A class written in a notebook or a script, as it is now, and its agents in servers."""

    def __init__(self, cls: type[AgentBase]) -> None:
        self._cls, self._namespace = cls, namespace_of(cls)
        self._home = context.workspace.get() or PROCESS
        self._lock = threading.RLock()
        self._error: AgentCreationError | None = None
        self._seen: dict[str, Any] = {"": None}
        self.agents: weakref.WeakSet[NotebookAgent] = weakref.WeakSet()
        self.unit: Unit
        self.versions = 0

    @classmethod
    def of(cls, given: type[AgentBase]) -> NotebookClass | None:
        """Return what is known of a class; None for one that anybody can import.

        Raises:
            AgentCreationError: it needs something that cannot travel.
        """
        name = given.__qualname__
        if given.__module__ not in NOTEBOOKS and "." not in name:
            return None
        key = (given.__module__, name, id(given) if "<locals>" in name else 0)
        known = _known.get(key)
        if known is None or known._namespace is not namespace_of(given):
            known = cls(given)
        known.refresh(strict=True)
        _known[key] = known
        return known

    @property
    def newest(self) -> type[AgentBase]:
        """The class that its name means now."""
        found: Any = None
        if "<locals>" not in self._cls.__qualname__:
            first, *rest = self._cls.__qualname__.split(".")
            found = self._namespace.get(first)
            for step in rest:
                found = getattr(found, step, None)
        if isinstance(found, type) and issubclass(found, AgentBase):
            self._cls = found if found.__qualname__ == self._cls.__qualname__ else self._cls
        return self._cls

    def refresh(self, *, strict: bool = False) -> None:
        """Send the class to its agents if it has changed. Waits for none of them; any thread.

        A new definition that cannot travel is shown on stderr, once, and the old one stays.

        Raises:
            AgentCreationError: it cannot travel; only if ``strict``.
        """
        with self._lock:
            if any(self._namespace.get(name, MISSING) is not value for name, value in self._seen.items()):
                self._collect(strict)
            if strict and self._error is not None:
                raise self._error

    def _collect(self, strict: bool) -> None:
        collector = Collector(self.newest)
        try:
            unit = collector.unit(self._home)
        except AgentCreationError as error:
            names = (self._seen | collector.seen).keys() - {""}
            self._seen = {name: self._namespace.get(name, MISSING) for name in names}
            self._error = error
            if not strict:
                _show(error)
            return
        self._error, self._seen = None, collector.seen
        if self.versions and unit.key == self.unit.key:
            return  # the same cell, run once more
        self.unit, self.versions = unit, self.versions + 1
        for agent in list(self.agents):
            agent._exchange(unit)


class NotebookAgent(RpcAgent):
    """A proxy of an agent whose class the notebook may define anew at any time."""

    def __init__(
        self, name: str, agent_id: str, *, written: NotebookClass, home: Home, **kwargs: Any
    ) -> None:
        super().__init__(name, agent_id, connect=home.connect, bring_up=home.bring_up, **kwargs)
        self._written, self._home = written, home
        written.agents.add(self)

    def __call__(self, *args: Any, **kwargs: Any) -> PlaceholderMessage:
        """Call the agent, which is of the newest class by then."""
        self._written.refresh()
        return super().__call__(*args, **kwargs)

    def clone_instances(self, num_instances: int, including_self: bool = True) -> list[RpcAgent]:
        """Do as `RpcAgent.clone_instances`; the clones are of the newest class too."""
        self._written.refresh()
        return super().clone_instances(num_instances, including_self)

    def _alike(self, agent_id: str) -> RpcAgent:
        alike = NotebookAgent(
            self.name, agent_id, kind=self._link.kind, written=self._written, home=self._home
        )
        if self._written.versions > 1:  # the one that it was made like may not have had its turn
            alike._exchange(self._written.unit)
        return alike

    def _exchange(self, unit: Unit) -> None:
        busy = bool(self.__dict__.get("_open"))
        if self._home.renew(unit, idle=not busy):
            change = scheduler().issue(self, None, (unit.to_dict(),), kind="change", method=EXCHANGE)
            with _lock:
                _changes[:] = [known for known in _changes if not known[0].done()]
                _changes.append((change, busy))


def send_new_classes() -> None:
    """Bring the agents of classes that were defined anew up to date: what the end of a cell does.

    Waits a moment for those that are free, so that what is wrong is shown in that cell.
    """
    for key, known in list(_known.items()):
        known.refresh()
        if key[2] and not known.agents:
            del _known[key]
    with _lock:
        changes, _changes[:] = list(_changes), []
    limit = time.monotonic() + (IDLE_SECONDS if not all(busy for _, busy in changes) else BUSY_SECONDS)
    shown: set[str] = set()
    for change, _ in changes:
        try:
            change.result(timeout=max(0.0, limit - time.monotonic()))
        except TimeoutError:
            continue  # it is busy; what goes wrong later is told as any unread failure is
        except NbAgentsError as error:
            if str(error) not in shown:
                shown.add(str(error))
                _show(error)


def _show(error: NbAgentsError) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")


_known: dict[tuple[str, str, int], NotebookClass] = {}
_changes: list[tuple[PlaceholderMessage, bool]] = []
_lock = threading.Lock()
