"""`AgentGroup`: many agents made alike, spread over server processes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, overload

from .. import _loop, context
from .._ids import PROCESS, new_id
from ..agents import AgentBase, current_call, promises, scheduler
from ..exceptions import UsageError
from ..message import Msg
from ._client import RpcAgentClient
from ._dist import settings_of
from ._group_reply import GroupReply
from ._launcher import RpcAgentServerLauncher
from ._many import ManyLink, Part
from ._proxy import RpcAgent

__all__ = ["AgentGroup"]

CHUNK = 1000
"""Agents in one request."""


class AgentGroup(Sequence[RpcAgent]):
    """``count`` agents of one class in ``servers`` processes of their own, which end with this process.

    Made in requests of a thousand and asked in frames of a thousand, so that a million fit into one
    machine. ``group[17]`` is a proxy like any other; ``group.ask(x)`` calls all of them at once.
    ``args`` and ``kwargs`` go to the constructor of each. ``servers`` may also be a sequence of
    launched `RpcAgentServerLauncher`s, which are left running. Making it blocks. Also a ``with``.

    The agents are placed by their number, in blocks as even as they can be. A server that dies is started
    again; its agents come back with it only if the group is ``durable``, which costs a write for each change.

    Raises:
        UsageError: ``count`` or ``servers`` is not positive.
        AgentCreationError: a server cannot make one; the servers that were launched are ended.
    """

    def __init__(
        self,
        cls: type[AgentBase],
        count: int,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        servers: int | Sequence[RpcAgentServerLauncher] = 1,
        durable: bool = False,
    ) -> None:
        own = isinstance(servers, int)
        if count < 1 or servers == 0 or (isinstance(servers, int) and servers < 1):
            raise UsageError("a group has at least one agent in at least one server")
        self.name, self.group_id = cls.__name__, new_id()[:12]
        self._count, self._kind = count, cls.__name__
        # Kept: the proxies among the arguments live as long as the group.
        self._settings = settings = settings_of(cls, tuple(args), dict(kwargs or {}))
        self._launchers = [RpcAgentServerLauncher(durable=durable) for _ in range(servers)] if own else []  # type: ignore[arg-type]
        launchers: Sequence[RpcAgentServerLauncher] = self._launchers if own else servers  # type: ignore[assignment]
        self._bounds = [count * n // len(launchers) for n in range(len(launchers) + 1)]
        self._clients: list[RpcAgentClient] = []
        try:
            with ThreadPoolExecutor(len(launchers), thread_name_prefix="nbagents-start") as pool:
                if own:
                    list(pool.map(RpcAgentServerLauncher.launch, launchers))
                self._clients = [RpcAgentClient(each.address, token=each.token) for each in launchers]
                self._links = [*map(_link, launchers, self._clients)]
                list(pool.map(self._make, range(len(launchers)), [settings] * len(launchers)))
        except BaseException:
            self.stop()
            raise

    def _make(self, server: int, settings: dict[str, Any]) -> None:
        for _, keys in self._keys_from(server, self._bounds[server]):
            self._clients[server].create_agents(settings, keys)

    def _id(self, number: int) -> str:
        return f"{self.group_id}-{number}"

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> RpcAgent: ...
    @overload
    def __getitem__(self, index: slice) -> list[RpcAgent]: ...
    def __getitem__(self, index: int | slice) -> RpcAgent | list[RpcAgent]:
        """Return the proxy of one agent, made anew at each reading; of a slice, a list of them."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._count))]
        number = index + self._count if index < 0 else index
        if not 0 <= number < self._count:
            raise IndexError(f"the group has {self._count} agents")
        link, name = self._links[self.server_of(number)], f"{self.name}-{number}"
        way: Any = {"connect": link.connect, "bring_up": link.bring_up}
        return RpcAgent(name, self._id(number), kind=self._kind, **way)

    def server_of(self, number: int) -> int:
        """Return the number of the server that an agent lives in."""
        return bisect_right(self._bounds, number) - 1

    def ask(self, x: Any = None) -> GroupReply:
        """Call every agent with ``x``; return at once. At most 20,000 calls of a server are under way.

        The calls of one `ask` come, for each agent, after those of the asks before. An ``x`` that has not
        arrived is waited for over there. `call_options` gives them a deadline; they are never repeated.
        Where a server dies, the calls that it had got fail; the rest waits for the one in its place.

        Raises:
            UsageError: ``x`` cannot travel, or the calls are to be repeated.
        """
        if context.retry.get() and current_call() is None:  # an agent asks as it always does
            raise UsageError("a group's calls are not repeated: ask its agents one by one, or without retry")
        return GroupReply(self, x)

    def observe(self, x: Msg) -> None:
        """Let every agent observe a message; returns when it is in every memory. Blocking."""
        _loop.background().run(self._observe(x))

    async def _observe(self, x: Msg) -> None:
        clock, parent = scheduler(), current_call()
        path, client = clock.next_path(parent), parent.client if parent is not None else PROCESS
        whole = clock.follow(None, x, "observe", parent, path, client, promises(x))
        parts = []
        for server, link in enumerate(self._links):
            for first, keys in self._keys_from(server, self._bounds[server]):
                part = Part(whole, link, keys, first, None)
                link.send(part)
                parts.append(part)
        for part in parts:
            await part.arrive()

    def _keys_from(self, server: int, low: int) -> Iterator[tuple[int, list[str]]]:
        """Yield, from agent ``low`` on, the first number and the ids of each request to a server."""
        high = self._bounds[server + 1]
        for first in range(low, high, CHUNK):
            yield first, [self._id(number) for number in range(first, min(first + CHUNK, high))]

    def stop(self) -> None:
        """End the servers that were launched for the group. Twice is fine."""
        for launcher in self._launchers:
            launcher.shutdown()

    def __enter__(self) -> AgentGroup:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<AgentGroup of {self._count} {self.name} in {len(self._clients)} servers>"


def _link(launcher: RpcAgentServerLauncher, client: RpcAgentClient) -> ManyLink:
    if launcher.attach() is None:  # it runs in this process
        return ManyLink("", "", lambda: client.attachment)
    return ManyLink("", "", launcher.attach, launcher.bring_up)
