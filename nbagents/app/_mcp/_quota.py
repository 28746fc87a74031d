"""`SessionQuota`: how many sessions are open, and whose, so that one user leaves room for the others."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .._failure import Refusal

__all__ = ["IDLE", "MOST", "MOST_OF_ONE", "SessionQuota"]

MOST, MOST_OF_ONE = 1000, 200
"""Sessions that are open, of all users and of one."""
IDLE = 600.0
"""Seconds after which a session that asks nothing is ended."""
SESSION = "mcp-session-id"


@dataclass
class _Session:
    owner: str
    running: int = 0
    """Requests under way."""
    since: float = field(default_factory=time.monotonic)
    """The end of the last one, of `time.monotonic`."""

    def idle(self, now: float) -> float:
        return 0.0 if self.running else now - self.since


class SessionQuota:
    """Stands before what serves the sessions, and learns of them by the ids that it gives out.

    An owner is the user that the token names; where there is one token for all, the client's address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: dict[str, _Session] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on.

        Raises:
            Refusal: it would open a session, and there are too many.
        """
        given = Headers(scope=scope).get(SESSION)
        if given is not None:
            await self._go_on(given, scope, receive, send)
            return
        session = _Session(_owner(scope), running=1)
        name = f"opening {id(session)}"
        self._check(session.owner)
        self._open[name] = session  # before it has an id: others may open theirs meanwhile

        async def note(message: Message) -> None:
            nonlocal name
            if message["type"] == "http.response.start" and message["status"] < 400:
                own = Headers(raw=message["headers"]).get(SESSION)
                if own is not None:
                    self._open[own] = self._open.pop(name)
                    name = own
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            session.running, session.since = 0, time.monotonic()
            if name.startswith("opening "):
                del self._open[name]

    async def _go_on(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._open.get(name)
        if session is None:
            await self._app(scope, receive, send)
            return

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and session.owner == _owner(scope):
                ended = scope["method"] == "DELETE" and message["status"] < 400
                if ended or message["status"] == 404:  # it is not known there any more
                    self._open.pop(name, None)
            await send(message)

        session.running += 1
        try:
            await self._app(scope, receive, note)
        finally:
            session.running -= 1
            session.since = time.monotonic()

    def _check(self, owner: str) -> None:
        now = time.monotonic()
        self._open = {name: each for name, each in self._open.items() if each.idle(now) <= IDLE}
        own = [each for each in self._open.values() if each.owner == owner]
        for sessions, most, whose in (
            (own, MOST_OF_ONE, "of yours, the most that one user may have"),
            (list(self._open.values()), MOST, "of all users together, the most that this app keeps"),
        ):
            if len(sessions) >= most:
                wait = max(1, math.ceil(IDLE - max(each.idle(now) for each in sessions)))
                raise Refusal(
                    429,
                    "too_many_sessions",
                    f"{len(sessions)} sessions of MCP are open {whose}; end one with DELETE /mcp and its"
                    f" Mcp-Session-Id, or wait: one that asks nothing for {IDLE:g} s is ended",
                    {"Retry-After": str(wait)},
                )


def _owner(scope: Scope) -> str:
    user = str(scope["nbagents.user"])
    return f"user {user}" if user else f"address {(scope.get('client') or ('',))[0]}"
