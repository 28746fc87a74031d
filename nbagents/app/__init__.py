"""Agents as a service over HTTP: `AgentApp`, as AgentScope Runtime has it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._deployment import Deployment, deployments
from ._stopping import stop_deployment

if TYPE_CHECKING:
    from ._agent_app import AgentApp, Runner
    from ._asked import Asked, Called
    from ._deploy import DeploymentMode, LocalDeployManager
    from ._names import ContentType, MessageType, Role, RunStatus
    from ._record import Activity
    from ._schemas import (
        AgentRequest,
        AgentResponse,
        Content,
        DataContent,
        ImageContent,
        Message,
        TextContent,
    )
    from ._serving import Serving, served

__all__ = [
    "Activity",
    "AgentApp",
    "AgentRequest",
    "AgentResponse",
    "Asked",
    "Called",
    "Content",
    "ContentType",
    "DataContent",
    "Deployment",
    "DeploymentMode",
    "ImageContent",
    "LocalDeployManager",
    "Message",
    "MessageType",
    "Role",
    "RunStatus",
    "Runner",
    "Serving",
    "TextContent",
    "deployments",
    "served",
    "stop_deployment",
]

# What serves HTTP takes long to load, and whoever only looks what serves has no need of it.
_HOME = {
    "Activity": "_record",
    "AgentApp": "_agent_app",
    "AgentRequest": "_schemas",
    "AgentResponse": "_schemas",
    "Asked": "_asked",
    "Called": "_asked",
    "Content": "_schemas",
    "ContentType": "_names",
    "DataContent": "_schemas",
    "DeploymentMode": "_deploy",
    "ImageContent": "_schemas",
    "LocalDeployManager": "_deploy",
    "Message": "_schemas",
    "MessageType": "_names",
    "Role": "_names",
    "RunStatus": "_names",
    "Runner": "_agent_app",
    "Serving": "_serving",
    "TextContent": "_schemas",
    "served": "_serving",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'nbagents.app' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
