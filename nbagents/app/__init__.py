"""Agents as a service over HTTP: `AgentApp`, as AgentScope Runtime has it."""

from ._agent_app import AgentApp, Runner
from ._asked import Asked, Called
from ._deploy import DeploymentMode, LocalDeployManager
from ._deployment import Deployment, deployments, stop_deployment
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
