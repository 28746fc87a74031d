"""`RpcAgentClient`: the methods of one agent server, as blocking calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import empty_pb2

from .. import _loop
from ..exceptions import AgentCallError, AgentServerError
from ..message import Msg
from ..models import model_config_to_wire
from ._attachment import Attachment
from ._codec import decode, encode
from ._directory import attachment
from ._proto import agent_pb2 as pb

__all__ = ["RpcAgentClient"]

ALIVE_SECONDS = 5.0
SECONDS = 60.0


class RpcAgentClient:
    """A client of the agent server at ``host`` and ``port``, or at ``host="unix:/path"``.

    The token is given, or found in this user's connection file for the address, or read from the
    file that NBAGENTS_TOKEN_FILE names. All clients of one address share one connection. Methods
    block (from async code call them in a thread), end within a minute, and raise typed errors.
    """

    def __init__(self, host: str, port: int | None = None, agent_id: str = "", *, token: str | None = None) -> None:
        self.host, self.port, self.agent_id = host, port, agent_id
        self.address = host if host.startswith("unix:") or port is None else f"{host}:{port}"
        self._token = token

    @property
    def attachment(self) -> Attachment:
        """Return the connection that it shares with the other clients of its address."""
        return attachment(self.address, self._token)

    def is_alive(self) -> bool:
        """Does the server answer within five seconds? Never raises."""
        try:
            self._ask("is_alive", empty_pb2.Empty(), timeout=ALIVE_SECONDS)
        except (AgentServerError, TimeoutError):
            return False
        return True

    def stop(self) -> None:
        """Stop the server."""
        self._ask("stop", empty_pb2.Empty())

    def create_agent(self, agent_configs: Mapping[str, Any], agent_id: str | None = None) -> dict[str, Any]:
        """Make an agent from its ``class_name``, ``args`` and ``kwargs``; return what the server tells of it.

        Raises:
            AgentCreationError: the id is taken, the class is unknown, or its constructor failed.
        """
        body = encode(dict(agent_configs)).data
        request = pb.CreateAgentRequest(agent_id=agent_id or self.agent_id, agent_init_args=body)
        return self._object("create_agent", request)

    def define_agent(
        self,
        workspace: str,
        name: str,
        agent_configs: Mapping[str, Any],
        *,
        agent_id: str = "",
        fresh: bool = False,
    ) -> dict[str, Any]:
        """Make the agent of that name in a workspace, or bring it up to date; ``change`` tells which.

        One that is made gets ``agent_id``, if that is given and free.
        """
        body = encode(dict(agent_configs)).data
        request = pb.CreateAgentRequest(
            agent_id=agent_id, agent_init_args=body, workspace=workspace, name=name, fresh=fresh
        )
        return self._object("create_agent", request)

    def delete_agent(self, agent_id: str | None = None) -> bool:
        """Delete an agent; False if there is none of that id."""
        return bool(self._ask("delete_agent", pb.StringMsg(value=agent_id or self.agent_id)).ok)

    def delete_all_agent(self) -> bool:
        """Delete every agent of the server."""
        return bool(self._ask("delete_all_agents", empty_pb2.Empty()).ok)

    delete_all_agents = delete_all_agent

    def clone_agent(self, agent_id: str | None = None) -> str | None:
        """Make a new agent as another one was made; return its id, or None if there is no such agent."""
        answer = self._ask("clone_agent", pb.StringMsg(value=agent_id or self.agent_id))
        return answer.message if answer.ok else None

    def get_agent_list(self) -> list[dict[str, Any]]:
        """Return what the server tells of its agents."""
        found: list[dict[str, Any]] = json.loads(self._ask("get_agent_list", empty_pb2.Empty()).message)
        return found

    def get_server_info(self) -> dict[str, Any]:
        """Return the server's pid, id, memory (MiB), number of agents, pending calls and clients."""
        return self._object("get_server_info", empty_pb2.Empty())

    def set_model_configs(self, model_configs: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bool:
        """Load model configurations into the server."""
        given = [model_configs] if isinstance(model_configs, Mapping) else list(model_configs)
        text = json.dumps([model_config_to_wire(one) for one in given])
        answer = self._ask("set_model_configs", pb.StringMsg(value=text))
        if not answer.ok:
            raise AgentServerError(f"the server refused the model configurations: {answer.message}")
        return True

    def get_agent_memory(self, agent_id: str | None = None) -> list[Msg]:
        """Return what an agent remembers now, whatever is still queued for it.

        Raises:
            AgentCallError: no such agent, or it has no memory.
        """
        answer = self._ask("get_agent_memory", pb.StringMsg(value=agent_id or self.agent_id))
        if not answer.ok:
            raise AgentCallError(answer.message)
        memory: list[Msg] = decode(pb.Payload(content_type="application/json", data=answer.message.encode()))
        return memory

    def call_agent_func(self, func_name: str, value: Any = None, agent_id: str | None = None) -> int:
        """Call an agent (``_reply`` or ``_observe``); return the task id of its reply."""
        text = encode(value).data.decode()
        request = pb.RpcMsg(value=text, target_func=func_name, agent_id=agent_id or self.agent_id)
        return int(self._ask("call_agent_func", request).message)

    def update_placeholder(self, task_id: int, timeout: float | None = None) -> Any:
        """Wait for the reply of a task and return it; by default without a limit of its own.

        Raises:
            ResultExpiredError: the server no longer keeps it.
            TimeoutError: ``timeout`` seconds passed.
        """
        return _loop.background().run(self.fetch(task_id), timeout=timeout)

    async def fetch(self, task_id: int) -> Any:
        """Do as `update_placeholder`, awaited on the background loop."""
        request = pb.UpdatePlaceholderRequest(task_id=task_id)
        answer = await self.attachment.request("update_placeholder", request, pb.GeneralResponse)
        return decode(pb.Payload(content_type="application/json", data=answer.message.encode()))

    def _object(self, method: str, message: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._ask(method, message).message)
        return found

    def _ask(self, method: str, message: Any, *, timeout: float | None = SECONDS) -> Any:
        work = self.attachment.request(method, message, pb.GeneralResponse)
        return _loop.background().run(work, timeout=timeout)
