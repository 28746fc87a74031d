"""`RpcAgentClient`: the methods of one agent server, as blocking calls.

Loads gRPC when it is first used, so that a program can start a server before it loads what talking
to it takes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import _loop
from ..exceptions import (
    AgentCallError,
    AgentServerError,
    NbAgentsError,
    ProtocolError,
    UsageError,
    WouldBlockLoopError,
)
from ..message import Msg
from ._places import normal_address
from ._steers import Steers, read

if TYPE_CHECKING:
    from ._attachment import Attachment
    from ._tls import Trust

__all__ = ["RpcAgentClient"]

_NUMBER = re.compile(r"[0-9]{1,19}\Z")
ALIVE_SECONDS = 5.0
SECONDS = 60.0
MAKING_SECONDS = 600.0
"""An agent's module may take its time to import, and its constructor to construct."""


class RpcAgentClient(Steers):
    """A client of the agent server at ``host`` and ``port``, or at ``host="unix:/path"``.

    The token is given, or found in this user's connection file for the address, or read from the
    file that NBAGENTS_TOKEN_FILE names, or, for another machine's, asked for by a hidden prompt where
    somebody sits at a notebook or terminal. All clients of one address share one connection. Methods
    block (from async code call them in a thread), end within a minute but for those that make an
    agent, wait for one or download, and raise typed errors: `AgentServerNotAliveError` where nobody
    answers, `AuthenticationError` where the token is refused, or where the server cannot prove who it is.

    A server on another machine must prove who it is, by the certificates in the file ``ca``, those that
    NBAGENTS_CA_FILE names, or else those that the system trusts, before the token is sent; ``insecure=True``
    sends it unencrypted, to whoever listens there. A server of this user's proves itself by what its
    connection file says.
    """

    def __init__(
        self,
        host: str,
        port: int | None = None,
        agent_id: str = "",
        *,
        token: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        insecure: bool = False,
    ) -> None:
        if port is None and ":" not in host:
            raise UsageError(f"where is the agent server on {host}? Give a port, or host='unix:/path'")
        if port is not None and ":" in host and not host.startswith("["):
            host = f"[{host}]"
        self.host, self.port, self.agent_id = host, port, agent_id
        self.address = host if port is None else f"{host}:{port}"
        self._token, self._ca, self._insecure = token, ca, insecure
        self._trust: Trust | bool | None = False  # not looked for yet

    @property
    def attachment(self) -> Attachment:
        """The connection that it shares with the other clients of its address; not opened by reading it."""
        from ._directory import attachment

        return attachment(*self._access(), insecure=self._insecure)

    def _access(self) -> tuple[str, str, Trust | None]:
        """Return the address, the token, and how to make sure of the server."""
        from ._directory import find_token, trust_of

        address = normal_address(self.address)
        if self._token is None:
            self._token = find_token(address)
        if isinstance(self._trust, bool):
            self._trust = trust_of(self.address, ca=self._ca, insecure=self._insecure)
        return address, self._token, self._trust

    def is_alive(self) -> bool:
        """Does the server answer within five seconds? Raises nothing but `WouldBlockLoopError`."""
        try:
            self._ask("is_alive", ALIVE_SECONDS)
        except WouldBlockLoopError:
            raise
        except NbAgentsError:
            return False
        return True

    def stop(self) -> None:
        """Stop the server; it ends soon after the answer."""
        self._ask("stop")

    def create_agent(
        self,
        agent_configs: Mapping[str, Any],
        agent_id: str | None = None,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Make an agent from its ``class_name``, ``args`` and ``kwargs``; return what the server tells of it.

        ``state`` is what the `state_dict` of another agent told, which it then becomes.

        Raises:
            AgentCreationError: the id is taken, the class is unknown, or its constructor failed.
            UsageError: the id is malformed, or an argument cannot travel.
        """
        return self._make(agent_configs, state, agent_id=agent_id or self.agent_id)

    def create_agents(self, agent_configs: Mapping[str, Any], agent_ids: Sequence[str]) -> int:
        """Make agents alike, one for each id, as one request: all of them or none; return how many.

        Raises as `create_agent`.
        """
        if not agent_ids:
            return 0
        first, *more = agent_ids
        self._make(agent_configs, agent_id=first, more=more)
        return len(agent_ids)

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

        One that is made gets ``agent_id``, if that is given and free. Raises as `create_agent`.
        """
        return self._make(agent_configs, agent_id=agent_id, workspace=workspace, name=name, fresh=fresh)

    def delete_agent(self, agent_id: str | None = None) -> bool:
        """Delete an agent; False if there is none of that id."""
        return bool(self._ask("delete_agent", value=agent_id or self.agent_id).ok)

    def delete_all_agent(self) -> bool:
        """Delete every agent of the server."""
        return bool(self._ask("delete_all_agents").ok)

    delete_all_agents = delete_all_agent

    def clone_agent(self, agent_id: str | None = None) -> str | None:
        """Make a new agent as another one was made; return its id, or None if there is no such agent."""
        return _loop.background().run(self.clone(agent_id or self.agent_id))

    async def clone(self, agent_id: str) -> str | None:
        """Do as `clone_agent`, awaited on the background loop."""
        answer = await self.attachment.request("clone_agent", value=agent_id)
        return answer.message if answer.ok else None

    def get_agent_list(self) -> list[dict[str, Any]]:
        """Return what the server tells of its agents, in the order in which they were made."""
        found = read(self._ask("get_agent_list").message, list)
        if not all(isinstance(about, dict) for about in found):
            raise ProtocolError("the agent server told something else than a list of agents")
        return list(found)

    def get_server_info(self) -> dict[str, Any]:
        """Return the server's pid, id, memory (MiB), number of agents, pending calls and clients."""
        return dict(read(self._ask("get_server_info").message, dict))

    def topics(self) -> dict[str, Any]:
        """Return what the server knows as a host of typed messages.

        ``types`` has the sessions that serve each agent type, ``living`` the subscribed agents of the server
        itself; ``subscriptions`` are dictionaries of ``id``, ``agent_type``, ``topic``, ``prefix`` and
        ``worker``, the session; ``workers`` has for a session what it ``asked``, is ``given`` and has
        ``waiting``, and its ``pid`` on the server's machine, or 0. ``topics`` has for a topic type how many
        messages there were, how many agents they went to, and how many are under way; ``counts`` all of it.
        """
        found = dict(read(self._ask("topics", value="{}").message, dict))
        for name in ("types", "subscriptions", "workers", "topics"):
            if not isinstance(found.get(name), list if name == "subscriptions" else dict):
                raise ProtocolError(f"the agent server told nothing of its {name}")
        return found

    def set_model_configs(self, model_configs: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bool:
        """Load model configurations into the server, keys and all.

        Raises:
            UsageError: one of them cannot travel.
            AgentServerError: the server refused them.
        """
        from ..models import model_config_to_wire

        given = [model_configs] if isinstance(model_configs, Mapping) else list(model_configs)
        text = json.dumps([model_config_to_wire(one) for one in given])
        answer = self._ask("set_model_configs", value=text)
        if not answer.ok:
            raise AgentServerError(f"the server refused the model configurations: {answer.message}")
        return True

    def get_agent_memory(self, agent_id: str | None = None) -> list[Msg]:
        """Return what an agent remembers now, whatever is still queued for it.

        Raises:
            AgentCallError: no such agent, or it has no memory.
        """
        from ._codec import from_json

        answer = self._ask("get_agent_memory", value=agent_id or self.agent_id)
        if not answer.ok:
            raise AgentCallError(answer.message)
        memory: list[Msg] = from_json(answer.message, "the memory of the agent")
        if not isinstance(memory, list) or not all(isinstance(message, Msg) for message in memory):
            raise ProtocolError("the agent server told something else than the messages of a memory")
        return memory

    def download_file(self, path: str, to: str | os.PathLike[str] | None = None) -> str:
        """Fetch a file that the server exports; return the path of the copy, which is whole or not there.

        ``path`` is relative to a folder that the server exports, or that folder's path and what follows.
        The copy goes to the file ``to``, or into the folder ``to`` under its own name, else into a new
        folder that only this user can read.

        Raises:
            FileNotExportedError: the server exports no such file, whether it exists or not.
            MessageTooLargeError: it exceeds the limit of the server.
            OSError: the copy cannot be written.
        """
        from ._download import download, target_of

        target = target_of(path, to)
        there = self.attachment
        access = there.server_address, there.token, there.trust
        try:
            _loop.background().run(download(*access, path, target))
        except BaseException:
            if to is None:
                with contextlib.suppress(OSError):
                    target.parent.rmdir()
            raise
        return str(target)

    def call_agent_func(self, func_name: str, value: Any = None, agent_id: str | None = None) -> int:
        """Call an agent; return a task id.

        ``_reply`` answers at once, and `update_placeholder` fetches the reply; ``_observe`` answers when
        the agent has observed.

        Raises:
            AgentCallError: the function is neither.
            AgentNotFoundError: no such agent.
        """
        return _loop.background().run(self.call(func_name, value, agent_id), timeout=None)

    async def call(self, func_name: str, value: Any = None, agent_id: str | None = None) -> int:
        """Do as `call_agent_func`, awaited on the background loop."""
        from ._codec import to_json

        answer = await self.attachment.request(
            "call_agent_func",
            value=to_json(value),
            target_func=func_name,
            agent_id=agent_id or self.agent_id,
        )
        if not _NUMBER.match(answer.message):
            raise ProtocolError(f"the agent server named no task but {answer.message[:60]!r}")
        return int(answer.message)

    def update_placeholder(self, task_id: int, timeout: float | None = None) -> Any:
        """Wait for the reply of a task and return it; by default without a limit of its own.

        Raises:
            ResultExpiredError: the server no longer keeps it.
            TimeoutError: ``timeout`` seconds passed; the call goes on.
            Exception: whatever the agent raised.
        """
        return _loop.background().run(self.fetch(task_id), timeout=timeout)

    async def fetch(self, task_id: int) -> Any:
        """Do as `update_placeholder`, awaited on the background loop."""
        from ._codec import from_json

        answer = await self.attachment.request("update_placeholder", task_id=task_id)
        return from_json(answer.message)

    def _make(
        self, agent_configs: Mapping[str, Any], state: Mapping[str, Any] | None = None, **fields: Any
    ) -> dict[str, Any]:
        from ._codec import to_json

        settings = dict(agent_configs)
        source = settings.pop("source", None)
        if source is not None:
            fields["agent_source_code"] = to_json(source).encode()
        if state is not None:
            fields["state"] = to_json(dict(state)).encode()
        body = to_json(settings).encode()
        answer = self._ask("create_agent", MAKING_SECONDS, agent_init_args=body, **fields)
        made = dict(read(answer.message, dict))
        if not isinstance(made.get("agent_id"), str) and "more" not in fields:
            raise ProtocolError("the agent server told nothing of the agent that it made")
        return made

    def _ask(self, method: str, timeout: float | None = SECONDS, **fields: Any) -> Any:
        work = self.attachment.request(method, **fields)
        try:
            return _loop.background().run(work, timeout=timeout)
        except TimeoutError:
            if timeout is None:
                raise
            text = f"the agent server at {self.address} did not answer {method} within {timeout:g} s"
            raise AgentServerError(text) from None
