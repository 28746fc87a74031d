"""`RpcAgent`: an agent of another process, called like one of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _loop, agents
from ..agents import AgentBase
from ..exceptions import AgentServerError
from ..memory import TemporaryMemory
from ._client import RpcAgentClient
from ._link import AgentLink

if TYPE_CHECKING:
    from ..parsers import ParserBase
    from ._attachment import Attachment

__all__ = ["RpcAgent"]


class RpcAgent(AgentBase):
    """A proxy. Calling it, observing and hubs work as with any agent; its code runs in the server.

    ``connect`` returns the attachment to the server, or None where ``bring_up`` must be called first
    (it may block); see `AgentLink`. ``memory`` is a copy of what the agent remembers, complete up to
    the calls made before.
    """

    def __init__(
        self,
        name: str,
        agent_id: str,
        *,
        kind: str = "",
        connect: Callable[[], Attachment | None],
        bring_up: Callable[[], object] | None = None,
        stop: Callable[[], object] | None = None,
    ) -> None:
        self.name, self.agent_id = name, agent_id
        self._stop = stop
        self._link = AgentLink(agent_id, kind, connect, bring_up)
        self._remote = self._link

    async def reply(self, *args: Any, **kwargs: Any) -> Any:
        """Call the agent over there; what ``agent(x)`` does."""
        return await self(*args, **kwargs)

    @property
    def memory(self) -> TemporaryMemory:
        """A copy of what the agent remembers; reading it waits for the calls made before."""
        if self.__dict__.get("_open"):
            self._settle_first()
        copy = TemporaryMemory()
        copy.add(self._client().get_agent_memory(self.agent_id))
        return copy

    def set_parser(self, parser: ParserBase) -> None:
        """Have a `DictDialogAgent` over there answer in another form, after the calls made before.

        Raises:
            UsageError: it is no parser, or one that cannot travel.
        """
        agents.change_parser(self, parser)

    @property
    def server_address(self) -> str:
        """Where its server listens."""
        return self._link.here().server_address

    def to_dist(self, *args: Any, **kwargs: Any) -> RpcAgent:
        """Return itself: it is in a server already."""
        return self

    def clone_instances(self, num_instances: int, including_self: bool = True) -> list[RpcAgent]:
        """Return this many agents made as this one was, itself the first unless ``including_self`` is false.

        Raises:
            AgentServerError: it no longer lives in its server.
        """
        client = self._client()
        count = max(0, num_instances - 1 if including_self else num_instances)

        async def clone_all() -> list[str | None]:
            return await asyncio.gather(*(client.clone(self.agent_id) for _ in range(count)))

        made: list[RpcAgent] = [self] if including_self and num_instances > 0 else []
        for agent_id in _loop.background().run(clone_all()):
            if agent_id is None:
                raise AgentServerError(f"{self.name} no longer lives in its server and cannot be cloned")
            made.append(self._alike(agent_id))
        return made

    def _alike(self, agent_id: str) -> RpcAgent:
        link = self._link
        return RpcAgent(self.name, agent_id, kind=link.kind, connect=link.connect, bring_up=link.bring_up)

    def delete(self) -> bool:
        """Delete the agent in its server; False if it is not there any more."""
        return self._client().delete_agent(self.agent_id)

    def stop(self) -> None:
        """End the server process that was launched for this agent, if one was. Twice is fine."""
        if self._stop is not None:
            self._stop()

    def _client(self) -> RpcAgentClient:
        there = self._link.here()
        return RpcAgentClient(there.server_address, agent_id=self.agent_id, token=there.token)
