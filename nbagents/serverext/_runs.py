"""The addresses of runs: seeing them, and stopping them whatever the kernel that began them is doing."""

from __future__ import annotations

from typing import Any

from ..exceptions import RunNotFoundError
from ..rpc import RpcAgentClient
from ._handler import AgentsHandler
from ._refusal import GoneError

__all__ = ["Run", "Runs", "StopCall", "StopRun"]


class Runs(AgentsHandler):
    """The runs of a server."""

    async def read(self, *place: str) -> Any:
        """List them, the newest last: all, or those of one ``workspace``."""
        workspace = self.get_query_argument("workspace", None)
        return await self.ask(place[0], lambda client: client.runs(workspace))


class Run(AgentsHandler):
    """One run."""

    async def read(self, *place: str) -> Any:
        """Tell of it, and what has happened in it: ``events``."""
        server_id, run_id = place
        return await self.ask(server_id, lambda client: _run(client, run_id))


class StopRun(AgentsHandler):
    """The end of a run."""

    async def do(self, *place: str) -> Any:
        """Stop its open calls; tell how many."""
        server_id, run_id = place
        self.body(run=(str,))  # said twice, it does no harm
        return {"stopped": await self.ask(server_id, lambda client: _stop(client, run_id))}


class StopCall(AgentsHandler):
    """The end of one call."""

    async def do(self, *place: str) -> Any:
        """Stop it."""
        server_id, call_id = place
        self.body(call=(str,))
        if not await self.ask(server_id, lambda client: client.stop_call(call_id)):
            raise GoneError(f"no call of the id {call_id[:60]!r} is open here")
        return {"stopped": True}


def _about(client: RpcAgentClient, run_id: str) -> dict[str, Any]:
    for about in client.runs():
        if about.get("run") == run_id:
            return about
    raise RunNotFoundError(f"this server knows no run of the id {run_id[:60]!r}")


def _run(client: RpcAgentClient, run_id: str) -> dict[str, Any]:
    return {**_about(client, run_id), "events": client.run_events(run_id)}


def _stop(client: RpcAgentClient, run_id: str) -> int:
    _about(client, run_id)
    return client.stop_run(run_id)
