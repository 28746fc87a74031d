"""`fetch_message`: the promise behind a placeholder that is known by where its message is made only."""

from __future__ import annotations

import asyncio
from typing import Any

from .._ids import PROCESS
from ..agents import Call, Remote, promised, scheduler
from ..exceptions import UsageError
from ._client import RpcAgentClient
from ._directory import known_token
from ._peers import fetched
from ._places import normal_address
from ._results import Promised

__all__ = ["fetch_message"]


def fetch_message(
    host: Any,
    port: Any,
    task_id: Any,
    client: Any,
    x: Any,
    *,
    known_only: bool = False,
    made: tuple[str, str, str] | None = None,
) -> Call:
    """Return the promise behind AgentScope's own constructor of `PlaceholderMessage`; never waits.

    With ``client`` its agent is called with ``x``, else the message is fetched by its address. With
    ``known_only``, for an address that came inside a message, that must be a server of this user's. ``made``
    has the server's id, its epoch and the call's id instead, for which no address is needed.

    Raises:
        UsageError: it is given neither an address nor a client.
        AuthenticationError: no token for that address is known.
    """
    if made is not None:
        return _fetching(_Elsewhere(*made), x, f"a message of the agent server {made[0]}")
    if client is None:
        if host is None or port is None or task_id is None:
            raise UsageError("a placeholder is made of host, port and task_id, or of client and x")
        client = RpcAgentClient(host, port)
        if known_only and known_token(normal_address(client.address)) is None:
            raise UsageError(
                f"a message names the address {client.address}, where no server of yours listens"
            )
        what = f"task {task_id} of the agent server at {client.address}"
    else:
        what = f"the agent {client.agent_id} of the agent server at {client.address}"
    return _fetching(_Fetching(client, task_id), x, what)


def _fetching(remote: Remote, x: Any, what: str) -> Call:
    clock = scheduler()
    path = clock.next_path()
    call = Call(clock, None, None, (x,), {}, kind="call", parent=None, path=path, client=PROCESS)
    call.agent_name = what
    call.remote = remote
    clock.post(clock.submit, [call])
    return call


class _Elsewhere(Remote):
    """Fetches the reply to a call that was made before, maybe by another process of this user."""

    def __init__(self, server_id: str, epoch: str, call_id: str) -> None:
        self._made = server_id, epoch, call_id
        self._promised: Promised | None = None

    def send(self, call: Call) -> None:
        """Begin."""
        server_id, epoch, call_id = self._made
        promised = self._promised = fetched(server_id, call_id, epoch)
        promised.add_done_callback(lambda: call.scheduler.settle(call, promised.value, promised.error))

    def cancel(self, call: Call) -> None:
        """Stop fetching; the agent over there goes on."""
        if self._promised is not None:
            self._promised.unused()

    def address(self, call: Call) -> dict[str, Any]:
        """Say the same again."""
        server_id, epoch, call_id = self._made
        nowhere = {"_host": None, "_port": None, "_task_id": None}
        return {"_call": call_id, "_server": server_id, "_epoch": epoch} | nowhere


class _Fetching(Remote):
    """Fetches one message, after asking for it where that has not been done."""

    def __init__(self, client: RpcAgentClient, task_id: int | None) -> None:
        self.client, self.task_id = client, task_id
        self._work: asyncio.Task[None] | None = None

    def send(self, call: Call) -> None:
        """Begin."""
        self._work = call.scheduler.loop.create_task(self._fetch(call))

    def cancel(self, call: Call) -> None:
        """Stop fetching; the agent over there goes on."""
        if self._work is not None:
            self._work.cancel()

    def address(self, call: Call) -> dict[str, Any]:
        """Say where the message can be fetched; without a task id before it was asked for."""
        return {"_host": self.client.host, "_port": self.client.port, "_task_id": self.task_id}

    async def _fetch(self, call: Call) -> None:
        value: Any = None
        failure: BaseException | None = None
        try:
            if self.task_id is None:
                for message in promised(call.args):
                    await message
                self.task_id = await self.client.call("_reply", call.args[0])
            value = await self.client.fetch(self.task_id)
        except Exception as error:  # noqa: BLE001  # the reader gets it
            failure = error
        call.scheduler.settle(call, value, failure)
