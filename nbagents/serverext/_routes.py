"""The addresses under ``nbagents/api``."""

from __future__ import annotations

import asyncio
from typing import Any

from tornado import web

from ..config import redact
from ..exceptions import AgentNotFoundError
from ..rpc import RpcAgentClient, last_lines
from ._fleet import Fleet
from ._handler import AgentsHandler
from ._questions import Answer, Questions, Show
from ._runs import Run, Runs, StopCall, StopRun
from ._threads import in_thread
from ._tutorials import Tutorial, Tutorials

__all__ = ["routes"]

SHOWN = (
    "name",
    "type",
    "workspace",
    "sys_prompt",
    "model_name",
    "messages",
    "color",
    "busy",
    "state",
    "blocked",
)
"""What a page is shown of an agent, beside its id."""
FIELDS = ("id", "name", "role", "content", "url", "metadata", "timestamp")


class Servers(AgentsHandler):
    """All servers."""

    async def read(self, *place: str) -> Any:
        """List them."""
        known = await in_thread(self.fleet.known)
        return await asyncio.gather(*map(self.fleet.about, known))

    async def do(self, *place: str) -> Any:
        """Start the one for Jupyter's own interpreter, if it does not run."""
        self.body()
        connection = await in_thread(lambda: self.fleet.bring_up(again=True))
        return await self.fleet.about(await in_thread(lambda: self.fleet.find(connection.server_id)))


class Server(AgentsHandler):
    """One server."""

    async def read(self, *place: str) -> Any:
        """Tell of it."""
        return await self.fleet.about(await in_thread(lambda: self.fleet.find(*place)))

    async def remove(self, *place: str) -> Any:
        """Stop it."""
        await in_thread(lambda: self.fleet.stop(self.fleet.find(*place)))
        return {"stopped": True}


class Restart(AgentsHandler):
    """Its new beginning."""

    async def do(self, *place: str) -> Any:
        """Restart it."""
        self.body()
        await in_thread(lambda: self.fleet.restart(self.fleet.find(*place)))
        return await self.fleet.about(await in_thread(lambda: self.fleet.find(*place)))


class Log(AgentsHandler):
    """Its log."""

    async def read(self, *place: str) -> Any:
        """Return the last lines."""
        wanted = self.get_query_argument("lines", "200")
        if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 7):
            raise web.HTTPError(400)
        here = (await in_thread(lambda: self.fleet.find(*place))).connection
        lines = await in_thread(lambda: last_lines(here.log, int(wanted)))
        return {"lines": [redact(line, here.token) for line in lines]}


class Agents(AgentsHandler):
    """Its agents."""

    async def read(self, *place: str) -> Any:
        """List them."""
        return await self.ask(place[0], lambda client: [_about(agent) for agent in client.get_agent_list()])


class Memory(AgentsHandler):
    """What one of its agents remembers."""

    async def read(self, *place: str) -> Any:
        """Return the messages."""
        server_id, agent_id = place
        return await self.ask(server_id, lambda client: _memory(client, agent_id))

    async def do(self, *place: str) -> Any:
        """Change it by an operation of `RpcAgentClient.edit_memory`; return the entries that this returns."""
        server_id, agent_id = place
        change = self.body(op=(str,), id=(str,), content=(str, list, dict))
        return await self.ask(server_id, lambda client: _edit(client, agent_id, change))


class Nothing(AgentsHandler):
    """Any other address."""

    async def _refuse(self, *place: str) -> Any:
        raise web.HTTPError(404)

    read = do = remove = _refuse


def routes(fleet: Fleet) -> list[tuple[str, type[AgentsHandler], dict[str, Any]]]:
    """Return every address with what answers there."""
    one = r"([^/]+)"
    server = f"servers/{one}"
    table: dict[str, type[AgentsHandler]] = {
        "servers": Servers,
        server: Server,
        f"{server}/restart": Restart,
        f"{server}/log": Log,
        f"{server}/agents": Agents,
        f"{server}/agents/{one}/memory": Memory,
        f"{server}/runs": Runs,
        f"{server}/runs/{one}": Run,
        f"{server}/runs/{one}/stop": StopRun,
        f"{server}/calls/{one}/stop": StopCall,
        f"{server}/questions": Questions,
        f"{server}/questions/{one}/answer": Answer,
        f"{server}/questions/{one}/shown": Show,
        "tutorials": Tutorials,
        f"tutorials/{one}": Tutorial,
        ".*": Nothing,
    }
    return [(f"/nbagents/api/{path}", handler, {"fleet": fleet}) for path, handler in table.items()]


def _about(agent: dict[str, Any]) -> dict[str, Any]:
    return {"id": agent.get("agent_id"), **{name: agent.get(name) for name in SHOWN}}


def _memory(client: RpcAgentClient, agent_id: str) -> list[dict[str, Any]]:
    _find(client, agent_id)
    return [{name: message[name] for name in FIELDS} for message in client.get_agent_memory(agent_id)]


def _edit(client: RpcAgentClient, agent_id: str, change: dict[str, Any]) -> list[dict[str, Any]]:
    _find(client, agent_id)
    return client.edit_memory(agent_id, change)


def _find(client: RpcAgentClient, agent_id: str) -> None:
    if agent_id not in [agent["agent_id"] for agent in client.get_agent_list()]:
        raise AgentNotFoundError(f"no agent of the id {agent_id[:60]!r} lives in this server")
