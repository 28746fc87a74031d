"""`A2AAgent`: an agent of others, somewhere else, that is asked by the protocol A2A."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .. import events, recording
from .._threads import on_thread
from ..config import Secret
from ..exceptions import A2ARefusedError, UsageError
from ..memory import arrived
from ..message import Msg
from ._base import AgentBase

if TYPE_CHECKING:
    from ._a2a_exchange import Exchange
    from ._a2a_peer import Peer

__all__ = ["A2AAgent"]


class A2AAgent(AgentBase):
    """Asks an agent that speaks A2A, of whichever maker, and answers with what that one says, as it comes.

    The other one keeps the conversation: ``context_id`` names it there, is learned with the first reply and
    sent with each message from then on; set it to None to begin anew. What this agent has observed since its
    last reply is sent along. The extra is ``a2a``.

    Args:
        name: Its name here.
        url_or_card: Where it is, as ``https://host`` or the address of its card; or the card itself. The
            address may be private. What a fetched card says is followed at its own origin only, and redirects
            are not.
        token: Sent as ``Authorization: Bearer``, to that origin alone. Give it by name: then it is never
            written down by a server where the agent lives.
        timeout: Seconds of silence after which the other side counts as gone.
        deadline: Seconds that an answer may take in all; then the task there is cancelled. None for no limit.
        use_memory: Remember what was said here, too.

    Raises:
        UsageError: that is no web address and no card, a time is none, or the extra is missing.
    """

    def __init__(
        self,
        name: str,
        url_or_card: str | Mapping[str, Any],
        *,
        token: str | Secret | None = None,
        timeout: float = 300.0,
        deadline: float | None = 3600.0,
        use_memory: bool = True,
        agent_id: str | None = None,
    ) -> None:
        super().__init__(name, use_memory=use_memory, agent_id=agent_id)
        if importlib.util.find_spec("a2a") is None:
            raise UsageError("A2AAgent needs the package a2a-sdk", hint="pip install 'jupyter-nbagents[a2a]'")
        if isinstance(url_or_card, str):
            parts = urlsplit(url_or_card)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise UsageError("an A2A agent is at an address like https://host, or a card is given")
        elif not isinstance(url_or_card, Mapping):
            raise UsageError(f"an A2A agent's card is a dictionary, not a {type(url_or_card).__name__}")
        self._place = url_or_card if isinstance(url_or_card, str) else dict(url_or_card)
        self._taken = isinstance(token, Mapping)
        self._token = None if token is None or self._taken else Secret(token)
        for what, seconds in (("timeout", timeout), ("deadline", deadline)):
            if seconds is None and what == "deadline":
                continue
            if not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
                hint = "deadline=None is no limit; timeout= is of silence alone" if seconds is None else None
                raise UsageError(f"{what} is a number of seconds, and not {seconds!r}", hint=hint)
        self._timeout, self._deadline = timeout, deadline
        self._peer: Peer | None = None
        self.context_id: str | None = None
        self.task_id: str | None = None
        """The other one's task that waits for a further message."""
        self.sent_ids: list[str] = []
        """The messages that the other one knows, as far as they are still in the memory."""

    async def reply(
        self,
        x: Msg | Sequence[Msg] | str | None = None,
        *,
        msg: Msg | Sequence[Msg] | str | None = None,
    ) -> Msg:
        """Send ``x`` (or ``msg``) and return what the other agent says; both are remembered.

        Its pieces are printed as they come. Whoever cancels the call cancels the task there.

        Raises:
            A2AUnavailableError: nobody answers there, or the connection broke.
            A2ARefusedError: it wants another token, or its card leads elsewhere.
            A2ATaskError: its task failed, or was cancelled or rejected there.
            A2ATimeoutError: it has not finished within the deadline.
        """
        recording.only_recorded(f"what {self.name}, an agent of others, answers")
        x = msg if x is None else x
        if isinstance(x, str):
            x = Msg("user", x, "user")
        if self.memory is not None:
            await arrived(self.memory.add(x))
        sent = await self._unsent(x)
        peer, exchange_of = await self._found()
        # A task belongs to its context; and one that a call has failed at may be gone there.
        waiting, self.task_id = self.task_id if self.context_id else None, None
        exchange = exchange_of(peer, sent, self.context_id, waiting, self._deadline)
        message = Msg(self.name, "", "assistant")
        async with contextlib.aclosing(exchange.pieces()) as pieces:
            async for piece in pieces:
                if piece:
                    events.emit("delta", text=piece)
                message._content = exchange.content()
                await self.print(message, last=False)
        self.context_id, self.task_id = exchange.context_id or None, exchange.waiting
        message._content = exchange.content()
        message._metadata = {"context_id": self.context_id, "task_id": exchange.task_id}
        await self.print(message)
        if self.memory is not None:
            await arrived(self.memory.add(message))
            known = {*self.sent_ids, *(each.id for each in sent), message.id}
            self.sent_ids = [each.id for each in await self._remembered() if each.id in known]
        return message

    async def _unsent(self, x: Msg | Sequence[Msg] | None) -> list[Msg]:
        given = [] if x is None else [x] if isinstance(x, Msg) else list(x)
        if self.memory is None:
            return given
        known = set(self.sent_ids)
        return [message for message in await self._remembered() if message.id not in known]

    async def _remembered(self) -> list[Msg]:
        assert self.memory is not None
        said = await arrived(self.memory.get_memory())
        return [message for message in said or () if isinstance(message, Msg)]

    async def _found(self) -> tuple[Peer, type[Exchange]]:
        if self._taken:
            raise A2ARefusedError(
                f"{self.name} was brought back after its server had died, and has no token now, since tokens"
                " are never written down",
                hint="run the cell that defines the agent again",
            )
        module = await on_thread(importlib.import_module, "._a2a_exchange", __package__)
        if self._peer is None:
            self._peer = module.Peer(self.name, self._place, self._token, self._timeout)
        return self._peer, module.Exchange
