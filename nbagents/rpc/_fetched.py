"""`Fetched`: the promise of a message that is known by its server and task id only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _loop
from ..exceptions import UsageError
from ._client import RpcAgentClient

__all__ = ["Fetched", "fetch_message"]


def fetch_message(host: Any, port: Any, task_id: Any, client: Any, x: Any) -> Fetched:
    """Return the promise behind AgentScope's own constructor of `PlaceholderMessage`.

    Raises:
        UsageError: it is given neither an address nor a client.
    """
    if client is not None:
        return Fetched(client, client.call_agent_func("_reply", x))
    if host is None or port is None or task_id is None:
        raise UsageError("a placeholder is made of host, port and task_id, or of client and x")
    return Fetched(RpcAgentClient(host, port), int(task_id))


class Fetched:
    """A message in a server, fetched in the background from the moment this is made."""

    def __init__(self, client: RpcAgentClient, task_id: int) -> None:
        self.client, self.task_id = client, task_id
        self.id = f"{client.address}#{task_id}"
        self._future = _loop.background().spawn(client.fetch(task_id))

    @property
    def done(self) -> bool:
        """Has it arrived, or failed?"""
        return self._future.done()

    @property
    def value(self) -> Any:
        """Return the message once it has arrived, else None."""
        return self._future.result() if self.done and self.error is None else None

    @property
    def error(self) -> BaseException | None:
        """Return why there is no message, once that is known."""
        if not self._future.done():
            return None
        return None if self._future.cancelled() else self._future.exception()

    def label(self) -> str:
        """Say what is waited for."""
        return f"task {self.task_id} of the agent server at {self.client.address}"

    def result(self, timeout: float | None = None) -> Any:
        """Block until it is there."""
        return _loop.background().wait(self._future, timeout=timeout)

    async def arrive(self) -> Any:
        """Wait until it is there."""
        return await _loop.background().arrive(self._future)

    def cancel(self, why: str = "cancelled") -> None:
        """Stop fetching."""
        self._future.cancel()

    def add_done_callback(self, fn: Callable[[], object]) -> None:
        """Call ``fn`` once it is there, on the background loop."""
        self._future.add_done_callback(lambda _: _loop.background().post(fn))

    def address(self) -> dict[str, Any]:
        """Say where it can be fetched."""
        return {"_host": self.client.host, "_port": self.client.port, "_task_id": self.task_id}
