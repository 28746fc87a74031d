"""Agents as values: an agent that lives in a server travels as its name there, never as its address.

``{"__agent__": {"server_id": …, "agent_id": …, "name": …, "kind": …}}`` becomes the agent itself in the
server where it lives, and a proxy elsewhere. Where that server is, the receiver knows from this user's
own connection files, and looks it up at the first call.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeGuard

from .. import _loop
from .._ids import check_id
from ..agents import AgentBase, peek
from ..exceptions import AgentNotFoundError, InternalError, NbAgentsError, ProtocolError, UsageError
from ._results import Promised

if TYPE_CHECKING:
    from ._agents import AgentTable
    from ._proxy import RpcAgent

__all__ = ["MARK", "Rising", "agent_of", "bring_up", "host_agents", "mark_of", "name_of"]

MARK = "__agent__"
FIELDS = ("server_id", "agent_id", "name", "kind")
LONGEST = 4096
_hosts: weakref.WeakValueDictionary[str, AgentTable] = weakref.WeakValueDictionary()
"""The servers of this process, by their ids."""


def host_agents(server_id: str, agents: AgentTable) -> None:
    """Tell that a server of this process has these agents, as long as the table is there."""
    _hosts[server_id] = agents


# ---- on its way out


def name_of(agent: AgentBase) -> dict[str, Any] | None:
    """Return how an agent travels; None if its server must come up first. Never waits.

    Raises:
        UsageError: it lives in no server.
    """
    known: dict[str, Any] | None = agent.__dict__.get("_named")
    if known is not None:
        return known
    agent_id = str(agent.__dict__.get("agent_id", ""))
    if not _is_proxy(agent):
        for server_id, agents in list(_hosts.items()):
            if agent_id in agents and agents.get(agent_id).agent is agent:
                return _fields(server_id, agent_id, agent._name, type(agent).__name__)
        raise UsageError(
            f"is the agent {agent._name} of this process, which cannot travel: call {agent._name}.to_dist()"
            " first, and pass on what that returns"
        )
    there = agent._link.connect()
    if there is None or not there.server_id:
        return None
    return _fields(there.server_id, agent_id, agent._name, agent._link.kind)


def mark_of(agent: AgentBase) -> dict[str, Any] | None:
    """Return how an agent is kept in its holder's state; None if it cannot be. Blocking, off the loop."""
    try:
        named = name_of(agent)
        if named is None and not _loop.background().here():
            bring_up(agent)
            named = name_of(agent)
    except NbAgentsError:
        return None
    return None if named is None else {MARK: named}


def bring_up(agent: AgentBase) -> None:
    """Bring up the server of a proxy, so that it has a name. Blocking; not on the loop.

    Raises:
        NbAgentsError: it cannot be brought up.
    """
    if _is_proxy(agent):
        _loop.background().run(agent._link.here().open())


def _is_proxy(agent: AgentBase) -> TypeGuard[RpcAgent]:
    return peek(agent, "__dict__").get("_remote") is not None


def _fields(server_id: str, agent_id: str, name: str, kind: str) -> dict[str, Any]:
    return dict(zip(FIELDS, (server_id, agent_id, name, kind), strict=True))


class Rising(Promised):
    """A promise of a proxy whose server is up, which it is soon after somebody waits. On the loop only."""

    def __init__(self, agent: AgentBase) -> None:
        super().__init__("")
        self._agent, self._begun = agent, False

    def add_done_callback(self, fn: Callable[[], object]) -> None:
        """Bring the server up, and call ``fn`` once that is over."""
        super().add_done_callback(fn)
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._work, name="nbagents-start", daemon=True).start()

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            bring_up(self._agent)
        except NbAgentsError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001  # whoever waits must hear of it
            error = InternalError(f"the server of {self._agent._name} could not be brought up: {raised}")
        _loop.background().post(self.settle, self._agent if error is None else None, error)


# ---- on its way in


def agent_of(named: Any) -> AgentBase:
    """Return the agent that a name stands for: itself where it lives, else a proxy. Dials nothing.

    Raises:
        ProtocolError: it is no such name.
    """
    if not isinstance(named, dict) or named.keys() != set(FIELDS):
        raise ProtocolError(f"an agent in the payload is named by {', '.join(FIELDS)}, and by nothing else")
    if not all(isinstance(part, str) and len(part) < LONGEST for part in named.values()):
        raise ProtocolError("an agent in the payload has a malformed name")
    server_id, agent_id = named["server_id"], named["agent_id"]
    try:
        check_id(server_id, "server_id")
        check_id(agent_id, "agent_id")
    except UsageError as error:
        raise ProtocolError(f"an agent in the payload: {error}") from None
    agents = _hosts.get(server_id)
    if agents is not None:
        try:
            return agents.get(agent_id).agent
        except AgentNotFoundError:
            pass  # it was deleted: calling it will say so

    def connect() -> Any:
        from ._directory import peer

        return peer(server_id)

    from ._proxy import RpcAgent  # a client's, which most servers never need

    proxy = RpcAgent(named["name"], agent_id, kind=named["kind"], connect=connect)
    proxy.__dict__["_named"] = dict(named)
    return proxy
