"""What answers look like on the path ``/RpcAgent``, by which AgentScope's own clients call a server.

There the list of agents is a list of texts, each the JSON of one agent; an agent that cannot be made is an
answer that says no; and one that does not exist is an invalid argument. Under its full name,
``nbagents.v1.RpcAgent``, the same service tells the agents as objects, and every failure as a status.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..exceptions import AgentCallError, AgentCreationError, AgentNotFoundError
from ._printable import printable
from ._proto import agent_pb2 as pb

__all__ = ["as_agentscope"]


def as_agentscope(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of the service as AgentScope's clients expect it."""
    change = _CHANGES.get(name)
    return call if change is None else change(call)


def _as_texts(call: Callable[..., Any]) -> Callable[..., Any]:
    async def get_agent_list(request: Any, context: Any) -> pb.GeneralResponse:
        agents = json.loads((await call(request, context)).message)
        return pb.GeneralResponse(ok=True, message=json.dumps([json.dumps(agent) for agent in agents]))

    return get_agent_list


def _as_answer(call: Callable[..., Any]) -> Callable[..., Any]:
    async def create_agent(request: Any, context: Any) -> Any:
        try:
            return await call(request, context)
        except AgentCreationError as error:
            return pb.GeneralResponse(ok=False, message=printable(str(error)))

    return create_agent


def _as_argument(call: Callable[..., Any]) -> Callable[..., Any]:
    async def call_agent_func(request: Any, context: Any) -> Any:
        try:
            return await call(request, context)
        except AgentNotFoundError as error:
            raise AgentCallError(str(error)) from None

    return call_agent_func


_CHANGES = {"get_agent_list": _as_texts, "create_agent": _as_answer, "call_agent_func": _as_argument}
