"""Agents as a service over HTTP: `AgentApp`, as AgentScope Runtime has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy
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
__getattr__, __dir__ = lazy(
    __name__,
    {
        "_agent_app": "AgentApp Runner",
        "_asked": "Asked Called",
        "_deploy": "DeploymentMode LocalDeployManager",
        "_names": "ContentType MessageType Role RunStatus",
        "_record": "Activity",
        "_schemas": "AgentRequest AgentResponse Content DataContent ImageContent Message TextContent",
        "_serving": "Serving served",
    },
)
