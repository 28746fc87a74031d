"""`Line`: one worker's session with its host: its messages, and what it asks besides."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...exceptions import (
    AgentServerNotAliveError,
    AuthenticationError,
    NbAgentsError,
    OverloadedError,
    ProtocolError,
)
from .._directory import check_reach, find_token, trust_of
from .._lost import same
from .._places import connection_at, normal_address
from .._proto import agent_pb2 as pb
from .._requests import Requests
from .._shape import unknown_kind
from .._strays import Strays
from .._stream import Stream

if TYPE_CHECKING:
    from .._tls import Trust

__all__ = ["Line", "Place"]

START_SECONDS = 5.0
"""How long a worker waits for a host that is being started at the same time."""
PAUSE = 0.1
ROOM_SECONDS = 30.0
"""How long what is sent may wait for room."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host is, and how to be let in; ``token`` and ``ca`` are found if they are not given."""

    address: str
    token: str | None = None
    ca: str | None = None
    insecure: bool = False

    def access(self) -> tuple[str, str, Trust | None, str]:
        """Return the address, the token, how to make sure of the host, and its id if that is known. Blocking.

        Raises:
            AuthenticationError: there is no token for it.
            UsageError: the token would travel unencrypted.
        """
        address = normal_address(self.address)
        token = self.token if self.token is not None else find_token(address)
        trust = trust_of(self.address, ca=self.ca, insecure=self.insecure)
        check_reach(address, trust, insecure=self.insecure)
        known = connection_at(address)
        return address, token, trust, known.server_id if known is not None and known.token == token else ""


class Line:
    """One session with a host. On the background loop only.

    ``handles`` has who gets the posts, outcomes and so on that come, by the kinds of their frames; ``ended``
    is called once, with the reason; ``in_flight`` tells how many messages have no outcome.
    """

    def __init__(
        self,
        access: tuple[str, str, Trust | None, str],
        *,
        handles: Mapping[str, Callable[[Line, Any], None]],
        ended: Callable[[Line, NbAgentsError], object],
        in_flight: Callable[[], int],
    ) -> None:
        address, token, trust, expects = access
        self._handles, self._ended = handles, ended
        self._wanting: deque[asyncio.Future[None]] = deque()
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.strays = Strays()
        self._requests = Requests(self)
        self.error: NbAgentsError | None = None
        """Why it has ended, once it has."""
        self._stream = Stream(
            address,
            token,
            trust=trust,
            handle=self._heard,
            ended=self._end,
            in_flight=lambda: in_flight() + len(self._requests),
            expects=expects,
        )
        self.put = self._stream.put
        """Sends a frame, in order."""

    @classmethod
    async def to(cls, place: Place, **kinds: Any) -> Line:
        """Return an open line to a host; one that is just being started is waited for, a moment.

        Raises:
            AgentServerNotAliveError: nobody answers there.
            AuthenticationError: there is no token for it, or it is refused.
            NbAgentsError: it cannot be used.
        """
        loop = asyncio.get_running_loop()
        limit = loop.time() + START_SECONDS
        while True:
            try:
                line = cls(await asyncio.to_thread(place.access), **kinds)
                await line.open()
            except (AgentServerNotAliveError, AuthenticationError) as error:
                refused = isinstance(error, AuthenticationError) and place.token is not None
                if refused or loop.time() > limit:
                    raise
            else:
                return line
            await asyncio.sleep(PAUSE)

    async def open(self) -> None:
        """Connect; raises what hinders that."""
        await asyncio.shield(self._stream.start())

    @property
    def who(self) -> str:
        """The host, for error texts."""
        return self._stream.who()

    def check(self) -> None:
        """Raise what it has ended with, if it has."""
        if self.error is not None:
            raise same(self.error)

    @property
    def full(self) -> bool:
        """Must whoever puts more wait for `room`?"""
        return bool(self._wanting) or self._stream.full

    async def room(self) -> None:
        """Wait until the host has read so much that more may be put, in the order of asking.

        Whoever returns from this puts before it awaits anything.

        Raises:
            OverloadedError: there was no room for half a minute.
            NbAgentsError: why the line has ended meanwhile.
        """
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        limit = loop.time() + ROOM_SECONDS
        self._wanting.append(mine)
        try:
            if self._wanting[0] is not mine:
                await asyncio.wait(
                    {mine, self._over}, timeout=ROOM_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            while self._stream.full and not self._over.done():
                if loop.time() >= limit:
                    text = f"the host {self.who} has read too little of what this worker sends"
                    raise OverloadedError(f"{text} for {ROOM_SECONDS:g} s", hint="send more slowly")
                read = asyncio.ensure_future(self._stream.room())
                try:
                    await asyncio.wait(
                        {read, self._over}, timeout=limit - loop.time(), return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    read.cancel()
        finally:
            self._wanting.remove(mine)
            if self._wanting and not self._wanting[0].done():
                self._wanting[0].set_result(None)
        self.check()

    async def ask(self, method: str, text: str) -> pb.GeneralResponse:
        """Ask the host for something, in line with the messages.

        Raises:
            NbAgentsError: whatever it was refused with, or why the host cannot be reached.
        """
        self.check()
        return await self._requests.sent(method, self._requests.body(method, {"value": text}))

    def tell(self, method: str, text: str) -> None:
        """Ask the host for something, and do not wait for its answer."""
        if self.error is None:
            self._requests.sent(method, self._requests.body(method, {"value": text}))

    async def close(self) -> None:
        """Say goodbye, and leave."""
        await self._stream.close()

    def _heard(self, frame: pb.Frame) -> None:
        kind = frame.WhichOneof("kind")
        handle = self._handles.get(kind)
        if handle is not None:
            handle(self, getattr(frame, kind))
        elif kind == "response":
            self._requests.answered(frame.response, self.who)
        elif kind is not None or unknown_kind(frame):
            raise ProtocolError(f"the agent server {self.who} sent a worker a {kind or 'nameless'!r} frame")

    def _end(self, error: NbAgentsError) -> None:
        self.error = error
        if not self._over.done():
            self._over.set_result(None)
        self._requests.end(error)
        self._ended(self, error)
