"""`AgentLink`: how the calls of a proxy reach the agent."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import _loop
from ..agents import Call, Remote, scheduler
from ..exceptions import AgentServerNotAliveError, InternalError, NbAgentsError
from ._lost import same
from ._places import may_return_at

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["ATTEMPTS", "AgentLink", "Together"]

ATTEMPTS = 3
"""How often a call that is safe to repeat is made, should its server die."""
RETURN_SECONDS, AGAIN_SECONDS = 30.0, 10.0
"""How long a proxy without an owner at hand waits for somebody to start the server again: where this user's
connection files say that somebody may, and where they do not tell."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
_kept: dict[Any, list[tuple[AgentLink | Together, Call]]] = {}
"""The calls that wait for a server, in their order, by what brings it up. On the loop only."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_kept.clear)  # whoever brings it up is in the parent


class AgentLink(Remote):
    """The way to one agent of one server.

    ``connect`` returns the attachment to the server and never waits; where it returns None the
    server, or the agent, must come up first: ``bring_up``, which blocks, is called on a thread, and
    calls made meanwhile are kept and sent in their order. So are those that were marked as safe to
    repeat when the server died.
    """

    def __init__(
        self,
        agent_id: str,
        kind: str,
        connect: Callable[[], Attachment | None],
        bring_up: Callable[[], object] | None = None,
    ) -> None:
        self.agent_id, self.kind, self.connect, self.bring_up = agent_id, kind, connect, bring_up
        self._there: Attachment | None = None
        self._key: Any = bring_up or self
        """What it has in common with those whose server comes up with its own."""

    def here(self) -> Attachment:
        """Return the attachment, after bringing the server up if need be. Blocking.

        Raises:
            NbAgentsError: it cannot be brought up.
        """
        there = self.connect()
        if there is None and self.bring_up is not None:
            self.bring_up()
            there = self.connect()
        if there is None:
            raise AgentServerNotAliveError("the agent server has ended")
        return there

    def send(self, call: Call) -> None:
        """Send a call, or keep it until the server is up."""
        kept = _kept.get(self._key)
        if kept is not None:
            kept.append((self, call))
            return
        if self._there is not None and self._there.error is None:
            self._pass(self._there, call)
            return
        try:
            there = self.connect()
        except NbAgentsError as error:
            # Whoever starts it again may not have done so yet.
            dead = isinstance(error, AgentServerNotAliveError)
            if not (dead and call.key and self.lost(call, begun=True)):
                scheduler().settle(call, None, error)
            return
        if there is None:
            self.keep(call)
        else:
            self._found(there)
            self._pass(there, call)

    def _pass(self, there: Attachment, call: Call) -> None:
        there.send(call, self.agent_id, self.kind)

    def lost(self, call: Call, *, begun: bool) -> bool:
        """Keep a call whose server died, to make it again; False if it may not be, or has been often enough.

        One that the server cannot have known of is no attempt: it waits wherever the server may come back.
        """
        if call.done:
            return False
        if begun:
            if not call.key or call.attempts >= ATTEMPTS:
                return False
            call.attempts += 1
        elif not call.key and not self._may_return():
            return False
        self.keep(call)
        return True

    def _may_return(self) -> bool:
        there = self._there
        try:
            return self.connect() is None or (there is not None and may_return_at(there.server_address))
        except NbAgentsError:  # it was stopped
            return False

    def way(self) -> Attachment | None:
        """Return the attachment, where calls can be sent at once."""
        if self._key in _kept:
            return None
        if self._there is None or not self._there.is_open():
            try:
                self._found(self.connect())
            except NbAgentsError:
                return None  # whoever sends a call alone hears of it
        return self._there

    @property
    def there(self) -> Attachment | None:
        """The attachment that the last call was sent over."""
        return self._there

    def cancel(self, call: Call) -> None:
        """Tell the server that nobody wants this call any more."""
        if self._there is not None:  # each call goes over the newest, and ends with it
            self._there.cancel(call)

    def interrupt(self, said: list[Any]) -> None:
        """Tell the server to break off what the agent is at; nothing where it is not up, and at nothing."""
        there = self.way()
        if there is not None:
            body = json.dumps({"agent": self.agent_id, "said": {"messages": said}})
            there.ask("interrupt", value=body)

    async def chase(self, call_id: str, trail: list[dict[str, Any]], round_: str) -> dict[str, Any] | None:
        """Ask the server which ring of waiting calls a call closes, if one."""
        return await self._there.chase(call_id, trail, round_) if self._there is not None else None

    def address(self, call: Call) -> dict[str, Any]:
        """Say where another process can fetch the reply."""
        there = self._there
        address = there.server_address if there is not None else ""
        host, _, port = address.rpartition(":")
        tcp = port.isdigit()
        return {
            "_call": call.id,
            "_server": there.server_id if there is not None else "",
            "_epoch": there.epoch if there is not None else "",
            "_host": host if tcp else None,
            "_port": int(port) if tcp else None,
            "_task_id": None,
        }

    def _found(self, there: Attachment | None) -> None:
        self._there = there
        if there is not None and self.bring_up is None:
            self._key = there.server_address

    def keep(self, call: Call, by: Together | None = None) -> None:
        """Send a call, ``by`` whoever sends it to several, once the server is up again. On the loop."""
        kept = _kept.setdefault(self._key, [])
        kept.append((by or self, call))
        if len(kept) == 1:
            threading.Thread(target=self._bring_up, name="nbagents-start", daemon=True).start()

    def _bring_up(self) -> None:
        failure: NbAgentsError | None = None
        try:
            if self.bring_up is not None:
                self.bring_up()
            self._wait_for_another()
        except NbAgentsError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  # the calls that wait must end
            failure = InternalError(f"the agent server could not be brought up: {error}")
        scheduler().post(self._go_on, failure)

    def _wait_for_another(self) -> None:
        """Wait until the server, which somebody else may start again, can be reached. Blocking."""
        from ._owned import owner_of

        begin, pause = time.monotonic(), FIRST_PAUSE
        while True:
            there = self.here()
            owner = owner_of(there.server_address)
            if owner is not None:
                owner.ensure()
                there = self.here()
            try:
                _loop.background().run(there.open())
                return
            except AgentServerNotAliveError:
                patience = RETURN_SECONDS if may_return_at(there.server_address) else AGAIN_SECONDS
                if time.monotonic() - begin > patience:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _go_on(self, failure: NbAgentsError | None) -> None:
        for link, call in _kept.pop(self._key, []):
            if call.done:  # cancelled, or late
                continue
            if failure is not None:
                scheduler().settle(call, None, same(failure))
            else:
                link.send(call)


class Together(Remote):
    """The way of one message to several agents of one server, which travels as one frame."""

    def __init__(self, links: Sequence[AgentLink]) -> None:
        self._links = links

    def send(self, call: Call) -> None:
        """Send it again, after what waits for the same server."""
        first = self._links[0]
        way = first.way()
        if way is None:
            first.keep(call, self)
        else:
            way.send_all(call, self._links)

    def lost(self, call: Call, *, begun: bool) -> bool:
        """Keep a message whose server died, to send it again; False if that was done often enough."""
        if call.done or (begun and call.attempts >= ATTEMPTS):
            return False
        call.attempts += begun
        self._links[0].keep(call, self)
        return True

    def cancel(self, call: Call) -> None:
        """Tell the server that nobody waits for it any more."""
        self._links[0].cancel(call)
