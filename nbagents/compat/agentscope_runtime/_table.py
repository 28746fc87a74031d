"""What AgentScope Runtime calls its things, and where they live in nbagents. Data; nothing is imported."""

from __future__ import annotations

__all__ = ["ALSO", "GONE", "MISSING", "MODULES"]

_DEPLOYERS = {"app": "DeploymentMode LocalDeployManager"}
_STATE = {"services": "InMemoryStateService RedisStateService StateService"}
_HISTORY = {
    "services": "InMemorySessionHistoryService RedisSessionHistoryService Session SessionHistoryService"
}
_MEMORY = {"services": "AgentScopeSessionHistoryMemory"}

MODULES: dict[str, dict[str, str]] = {
    "": {},
    "adapters": {},
    "adapters.agentscope": {},
    "adapters.agentscope.memory": _MEMORY,
    "engine": {"app": "AgentApp DeploymentMode LocalDeployManager Runner"},
    "engine.app": {"app": "AgentApp"},
    "engine.deployers": _DEPLOYERS,
    "engine.deployers.utils": {},
    "engine.deployers.utils.deployment_modes": {"app": "DeploymentMode"},
    "engine.runner": {"app": "Runner"},
    "engine.schemas": {},
    "engine.schemas.agent_schemas": {
        "app": """
            AgentRequest AgentResponse Content ContentType DataContent ImageContent Message MessageType Role
            RunStatus TextContent
        """,
    },
    "engine.services": {},
    "engine.services.agent_state": _STATE,
    "engine.services.session_history": _HISTORY,
}

ALSO: dict[str, str] = {
    "adapters.agentscope.memory": "_memory",
    "engine.app": "agent_app",
    "engine.deployers": "local_deployer",
    "engine.services.agent_state": "redis_state_service state_service",
    "engine.services.session_history": "redis_session_history_service session_history_service",
}

_IMAGE = (
    "`nbagents app dockerfile module:app` writes what an image is made of, for any service that runs images"
)
_SANDBOX = "code of models runs in nbagents' own sandbox: execute_python_code, KernelExecutor"

GONE: dict[str, str] = {
    "cli": "`nbagents app module:app` serves an app, `nbagents app list` and `stop` look after the deployed",
    "engine.services.memory": "nbagents.LongTermMemory is an agent's long-term memory",
    "engine.services.sandbox": _SANDBOX,
    "engine.tracing": "nbagents.trace traces it with OpenTelemetry, and %agents timeline shows it",
    "sandbox": _SANDBOX,
    "tools": "tools are functions, and those of nbagents are in nbagents.tools",
}

MISSING: dict[str, str] = {
    "KubernetesDeployManager": _IMAGE,
    "ModelstudioDeployManager": _IMAGE,
}
