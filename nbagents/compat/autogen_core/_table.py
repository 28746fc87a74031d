"""What AutoGen's core calls its things, and where they live in nbagents. Data; nothing is imported here."""

from __future__ import annotations

__all__ = ["ALSO", "GONE", "MISSING", "MODULES"]

_CORE = {
    "runtime": """
        Agent AgentInstantiationContext AgentProxy AgentRuntime BaseAgent ClosureAgent ClosureContext
        DefaultInterventionHandler DropMessage InterventionHandler RoutedAgent SingleThreadedAgentRuntime
        default_subscription event handles message_handler rpc subscription_factory type_subscription
    """,
    "topics": """
        JSON_DATA_CONTENT_TYPE PROTOBUF_DATA_CONTENT_TYPE AgentId AgentMetadata AgentType CancellationToken
        DefaultSubscription DefaultTopicId MessageContext MessageHandlerContext MessageSerializer
        SerializationRegistry Subscription SubscriptionInstantiationContext TopicId TypePrefixSubscription
        TypeSubscription UnknownPayload try_get_known_serializers_for_type
    """,
}
_ERRORS = "CantHandleException MessageDroppedException NotAccessibleError UndeliverableException"

MODULES: dict[str, dict[str, str]] = {
    "": _CORE,
    "exceptions": {"exceptions": _ERRORS},
}

ALSO: dict[str, str] = {}

_TOLD = "nbagents.events tells of each message: the kinds sent, handled and dropped"

GONE: dict[str, str] = {
    "code_executor": "nbagents.tools has execute_python_code and KernelExecutor, in a sandbox",
    "logging": _TOLD,
    "memory": "nbagents.memory has InMemoryMemory and LongTermMemory",
    "model_context": "nbagents.memory is what an agent remembers",
    "models": "nbagents.models asks models; nbagents.choose_model picks one",
    "telemetry": "nbagents.trace, for typed messages and agents alike; or give the runtime a tracer_provider",
    "tool_agent": "ReActAgent calls tools",
    "tools": "nbagents.tools has Toolkit: functions are tools",
    "utils": "JSON schemas of functions are made by nbagents.tools",
}

_COMPONENTS = "agents are registered by factories in your own code; nothing is loaded by a name in a file"

MISSING: dict[str, str] = {
    "CacheStore": "services keep states: nbagents.services",
    "Component": _COMPONENTS,
    "ComponentBase": _COMPONENTS,
    "ComponentFromConfig": _COMPONENTS,
    "ComponentLoader": _COMPONENTS,
    "ComponentModel": _COMPONENTS,
    "ComponentToConfig": _COMPONENTS,
    "EVENT_LOGGER_NAME": _TOLD,
    "FunctionCall": "ReActAgent calls tools",
    "Image": "nbagents.message has ImageBlock",
    "InMemoryStore": "services keep states: nbagents.services.InMemoryStateService",
    "ROOT_LOGGER_NAME": "logging.getLogger('nbagents') is the logger",
    "TRACE_LOGGER_NAME": "logging.getLogger('nbagents') is the logger",
}
