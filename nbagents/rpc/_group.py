"""`AgentGroup`: many agents made alike, spread over server processes; `GroupReply`: what they answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, overload

from .. import _loop, context
from .._ids import PROCESS, new_id, next_call_id
from ..agents import AgentBase, current_call, scheduler
from ..exceptions import CallCancelledError, NbAgentsError, UsageError, WouldBlockLoopError
from ..message import Msg, PlaceholderMessage
from ._client import RpcAgentClient
from ._dist import settings_of
from ._launcher import RpcAgentServerLauncher
from ._proxy import RpcAgent

if TYPE_CHECKING:
    from ._attachment import Attachment
    from ._proto import agent_pb2 as pb

__all__ = ["AgentGroup", "GroupReply"]

CHUNK = 1000
"""Agents in one request."""
WINDOW = 20_000
"""Calls of one server that are under way at once: it holds each in memory."""


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
                list(pool.map(self._make, range(len(launchers)), [settings] * len(launchers)))
        except BaseException:
            self.stop()
            raise

    def _make(self, server: int, settings: dict[str, Any]) -> None:
        for low, high in self._chunks(server):
            self._clients[server].create_agents(settings, [self._id(n) for n in range(low, high)])

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
        client = self._clients[self.server_of(number)]
        name = f"{self.name}-{number}"
        return RpcAgent(name, self._id(number), kind=self._kind, connect=lambda: client.attachment)

    def server_of(self, number: int) -> int:
        """Return the number of the server that an agent lives in."""
        return next(n for n, high in enumerate(self._bounds[1:]) if number < high)

    def ask(self, x: Any = None) -> GroupReply:
        """Call every agent with ``x``; return at once. At most 20,000 calls of a server are under way.

        The calls of one `ask` come, for each agent, after those of the asks before. An ``x`` that has not
        arrived is waited for. `call_options` gives them a deadline; they are never repeated.

        Raises:
            UsageError: ``x`` cannot travel, or the calls are to be repeated.
        """
        from ._codec import encode_arguments

        if context.retry.get():
            raise UsageError("a group's calls are not repeated: ask its agents one by one, or without retry")
        if isinstance(x, PlaceholderMessage):
            x = x.result()
        payload = encode_arguments(() if x is None else (x,), {}, None)
        reply = GroupReply(self, payload)
        scheduler().post(reply._begin)
        return reply

    def observe(self, x: Msg) -> None:
        """Let every agent observe a message; returns when it is in every memory. Blocking."""
        _loop.background().run(self._observe(x))

    async def _observe(self, x: Msg) -> None:
        clock = scheduler()
        path = clock.next_path()
        calls = []
        for server, client in enumerate(self._clients):
            for low, high in self._chunks(server):
                first, *others = (self._id(number) for number in range(low, high))
                call = clock.follow(None, x, "observe", None, path, PROCESS, ())
                call.agent_name = f"{high - low} agents"
                client.attachment.send(call, first, "", others)
                calls.append(call)
        for call in calls:
            await call.arrive()

    def _chunks(self, server: int) -> Iterator[tuple[int, int]]:
        low, high = self._bounds[server : server + 2]
        for start in range(low, high, CHUNK):
            yield start, min(start + CHUNK, high)

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


class GroupReply(Sequence[Any]):
    """The replies of a group to one question, in the order of its agents; they arrive one by one.

    ``reply[i]`` and iterating wait for that reply and return it, or raise what its agent raised;
    ``result(timeout)`` waits for all; ``await reply`` too. A reply is decoded when it is read.
    """

    def __init__(self, group: AgentGroup, payload: pb.Payload) -> None:
        self._group, self._payload = group, payload
        self._values: list[Any] = [None] * len(group)
        self._errors: dict[int, BaseException] = {}
        self._left = len(group)
        self._next = list(group._bounds[:-1])
        self._under_way = [0] * len(self._next)
        self._going = [False] * len(self._next)
        self._change = threading.Condition()
        self._awaited: list[Future[None]] = []
        self._cancelled = False
        self._deadline = context.deadline.get()

    def done(self) -> bool:
        """Have all ended? Never waits."""
        return self._left == 0

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        self._wait(lambda: self._values[number] is not None or number in self._errors)
        return self._read(number)

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(len(self)))

    def result(self, timeout: float | None = None) -> list[Any]:
        """Wait for all and return them; the first failure, if there is one, is raised.

        Raises:
            TimeoutError: not all were there within ``timeout`` seconds; the calls go on.
        """
        self._wait(self.done, timeout)
        return [self._read(number) for number in range(len(self))]

    def __await__(self) -> Any:
        return self._all().__await__()

    async def _all(self) -> list[Any]:
        arrived: Future[None] = Future()
        scheduler().post(self._when_over, arrived)
        await _loop.background().arrive(arrived)
        return self.result()

    def _when_over(self, arrived: Future[None]) -> None:
        if self.done():
            arrived.set_result(None)
        else:
            self._awaited.append(arrived)

    def _over(self) -> None:
        awaited, self._awaited = self._awaited, []
        for arrived in awaited:
            if arrived.set_running_or_notify_cancel():
                arrived.set_result(None)

    def failures(self) -> dict[int, BaseException]:
        """Return the errors so far, by the agent's number. Never waits."""
        return dict(self._errors)

    def cancel(self) -> None:
        """Ask no more agents, and end the calls that are under way; return at once."""
        scheduler().post(self._cancel)

    # ---- on the loop

    def _begin(self) -> None:
        for server in range(len(self._next)):
            self._go_on(server)

    def _go_on(self, server: int) -> None:
        """Ask the next agents of a server, as far as its window allows."""
        if self._going[server]:  # one that fails at once leads back here
            return
        self._going[server] = True
        low, high = self._next[server], self._group._bounds[server + 1]
        try:
            many = self._attachment(server).many
            while low < high and self._under_way[server] + CHUNK <= WINDOW and not self._cancelled:
                first, low = low, min(low + CHUNK, high)
                self._next[server] = low
                self._under_way[server] += low - first
                keys = [self._group._id(number) for number in range(first, low)]
                many.ask(next_call_id(), self._payload, keys, self, first, self._deadline)
        except NbAgentsError as error:  # the server cannot be reached: nor can those not asked yet
            self._next[server] = high
            self._under_way[server] += high - low
            for number in range(low, high):
                self.failed(number, error)
        finally:
            self._going[server] = False

    def _attachment(self, server: int) -> Attachment:
        return self._group._clients[server].attachment

    def arrived(self, index: int, payload: pb.Payload) -> None:
        """The reply of that number is there."""
        self._values[index] = payload.data if not payload.blobs else payload
        self._one_over(index)

    def failed(self, index: int, error: BaseException) -> None:
        """There will be none."""
        self._errors[index] = error
        self._one_over(index)

    def label(self, index: int) -> str:
        """Name the agent, for error texts."""
        return f"{self._group.name}-{index}"

    def _one_over(self, index: int) -> None:
        server = self._group.server_of(index)
        self._left -= 1
        self._under_way[server] -= 1
        if self._left == 0 or self._under_way[server] % CHUNK == 0:
            with self._change:
                self._change.notify_all()
            self._go_on(server)
        if self._left == 0:
            self._over()

    def _cancel(self) -> None:
        self._cancelled = True
        for server in range(len(self._next)):
            self._attachment(server).many.cancel(self)
        for index, value in enumerate(self._values):
            if value is None and index not in self._errors:
                self._errors[index] = CallCancelledError(f"the call of {self.label(index)} was cancelled")
        self._left = 0
        with self._change:
            self._change.notify_all()
        self._over()

    # ---- reading

    def _wait(self, ready: Any, timeout: float | None = None) -> None:
        if ready():
            return
        if _loop.background().here():
            raise WouldBlockLoopError(
                f"the replies of {self._group!r} have not arrived; write `await replies`"
            )
        frame = current_call()
        limit = None if timeout is None else time.monotonic() + timeout
        try:
            with self._change:
                while not ready():
                    left = None if limit is None else max(0.0, limit - time.monotonic())
                    if left == 0.0:
                        late = f"{self._left} of {len(self)} agents did not answer in {timeout} s"
                        raise TimeoutError(late)
                    self._change.wait(_loop.THREAD_TICK if left is None else min(left, _loop.THREAD_TICK))
                    stop = frame.stopped() if frame is not None else None
                    if stop is not None:
                        raise stop
        except KeyboardInterrupt:
            self.cancel()
            raise

    def _read(self, number: int) -> Any:
        from ._codec import decode
        from ._proto import agent_pb2 as pb

        error = self._errors.get(number)
        if error is not None:
            raise error
        kept = self._values[number]
        return decode(pb.Payload(data=kept) if isinstance(kept, bytes) else kept)
