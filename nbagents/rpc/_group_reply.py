"""`GroupReply`: what the agents of a group answer to one question."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .. import _loop
from .._ids import PROCESS
from ..agents import Call, begin, current_call, promises, scheduler, snapshot
from ..exceptions import NbAgentsError, WouldBlockLoopError
from ._lost import same
from ._many import Part

if TYPE_CHECKING:
    from ._group import AgentGroup
    from ._proto import agent_pb2 as pb
    from ._references import References

__all__ = ["GroupReply"]

WINDOW = 20_000
"""Calls of one server that are under way at once: it holds each in memory."""


class GroupReply(Sequence[Any]):
    """The replies of a group to one question, in the order of its agents; they arrive one by one.

    ``reply[i]`` and iterating wait for that reply and return it, or raise what its agent raised;
    ``result(timeout)`` waits for all; ``await reply`` too. A reply is decoded when it is read. A failure that
    nobody reads is reported once, as of any call.

    The question is one call: it belongs to its run and to the call that asked it, and ends with them.
    """

    def __init__(self, group: AgentGroup, x: Any) -> None:
        from ._codec import encode_arguments

        self._group = group
        self._args = () if x is None else (snapshot(x),)
        self._payload = None if promises(x) else encode_arguments(self._args, {}, None)
        self._values: list[Any] = [None] * len(group)
        self._errors: dict[int, BaseException] = {}
        self._left = len(group)
        self._next = list(group._bounds[:-1])
        self._under_way = [0] * len(self._next)
        self._views: dict[int, list[Call]] = {}
        clock, parent = scheduler(), current_call()
        self._whole = whole = Call(
            clock,
            None,
            None,
            self._args,
            {},
            kind="many",
            parent=parent,
            path=clock.next_path(parent),
            client=parent.client if parent is not None else PROCESS,
            ctx=contextvars.copy_context(),
            key="",  # an attempt at the call that asks it asks anew
        )
        whole.agent_name, whole.ended = f"{len(group)} agents", self._over
        clock.post(self._begin)

    def done(self) -> bool:
        """Have all ended? Never waits."""
        return self._whole.done

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        if not self._has(number):
            clock, view = scheduler(), self._view(number)
            clock.post(self._look, view, number)
            self._block(view, None)
        return self._read(number)

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(len(self)))

    def result(self, timeout: float | None = None) -> list[Any]:
        """Wait for all and return them; the first failure, if there is one, is raised.

        Raises:
            TimeoutError: not all were there within ``timeout`` seconds; the calls go on.
        """
        try:
            self._block(self._whole, timeout)
        except TimeoutError:
            text = f"{self._left} of {len(self)} agents did not answer in {timeout} s; they go on"
            raise TimeoutError(text) from None
        return self._all()

    def __await__(self) -> Any:
        return self._arrive().__await__()

    async def _arrive(self) -> list[Any]:
        await scheduler().wait_anywhere(self._whole)
        return self._all()

    def failures(self) -> dict[int, BaseException]:
        """Return the errors so far, by the agent's number. Never waits."""
        self._whole.read = True
        rest = self._whole.error if self._left else None
        if rest is None:
            return dict(self._errors)
        missing = (number for number, value in enumerate(self._values) if value is None)
        return {number: self._errors.get(number, rest) for number in missing}

    def cancel(self) -> None:
        """Ask no more agents, and end the calls that are under way; return at once."""
        self._whole.read = True
        self._whole.cancel()

    # ---- on the loop

    def _begin(self) -> None:
        if begin(scheduler(), self._whole):
            for server in range(len(self._next)):
                self._go_on(server)

    def _go_on(self, server: int) -> None:
        """Ask the next agents of a server, as far as its window allows."""
        whole, group = self._whole, self._group
        for first, keys in group._keys_from(server, self._next[server]):
            if whole.done or self._under_way[server] + len(keys) > WINDOW:
                return
            self._next[server] = first + len(keys)
            self._under_way[server] += len(keys)
            part = Part(whole, group._links[server], keys, first, self)
            part.ended = self._part_over
            whole.children = whole.children or set()
            whole.children.add(part)
            whole.needs = tuple(whole.children)  # for whoever looks for rings
            group._links[server].send(part)

    def payload(self, references: References) -> pb.Payload:
        """Return the arguments as they travel: encoded once, but for what may arrive meanwhile."""
        from ._codec import encode_arguments

        if self._payload is not None:
            return self._payload
        return encode_arguments(self._args, {}, references.refer)

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
        self._left -= 1
        for view in self._views.pop(index, ()):
            scheduler().settle(view)

    def _part_over(self, call: Call) -> None:
        """No more replies of these agents will come. Inside of the settling of that call."""
        assert isinstance(call, Part)
        server, loop = self._group.server_of(call.first), scheduler().loop
        self._under_way[server] -= len(call.keys)
        if call.error is not None and not self._whole.done:
            for number in range(call.first, call.first + len(call.keys)):
                if not self._is_over(number):
                    self._errors[number] = call.error
                    loop.call_soon(self._one_over, number)
        loop.call_soon(self._next_part, server)

    def _next_part(self, server: int) -> None:
        if self._left:
            self._go_on(server)
        else:
            first = min(self._errors, default=None)
            scheduler().settle(self._whole, None, None if first is None else self._errors[first])

    def _over(self, whole: Call) -> None:
        """All is over. Inside of the settling of the whole."""
        views, self._views = list(self._views.values()), {}
        for view in (view for some in views for view in some):
            scheduler().loop.call_soon(scheduler().settle, view)

    # ---- reading

    def _is_over(self, number: int) -> bool:
        return self._values[number] is not None or number in self._errors

    def _has(self, number: int) -> bool:
        return self._whole.done or self._is_over(number)

    def _view(self, number: int) -> Call:
        """Return a call that is over as soon as that reply is there: so it is waited for like any other."""
        place: Any = {"path": self._whole.path, "client": self._whole.client, "key": ""}
        view = Call(scheduler(), None, None, (), {}, kind="view", parent=None, **place)
        view.agent_name, view.read = self.label(number), True
        return view

    def _look(self, view: Call, number: int) -> None:
        if self._has(number):
            scheduler().settle(view)
        else:
            view.needs = (self._whole,)
            self._views.setdefault(number, []).append(view)

    def _block(self, call: Call, timeout: float | None) -> None:
        if not call.done and _loop.background().here():
            raise WouldBlockLoopError(
                f"the replies of {self._group!r} have not arrived; write `await replies`"
            )
        try:
            scheduler().block(call, timeout)
        except KeyboardInterrupt:
            self.cancel()
            raise

    def _all(self) -> list[Any]:
        return [self._read(number) for number in range(len(self))]

    def _read(self, number: int) -> Any:
        from ._codec import decode
        from ._proto import agent_pb2 as pb

        kept, error = self._values[number], self._errors.get(number)
        if kept is None:
            self._whole.read = True
            error = error or self._whole.error
            assert error is not None
            raise same(error) if isinstance(error, NbAgentsError) else error
        return decode(pb.Payload(data=kept) if isinstance(kept, bytes) else kept)
