"""What AutoGen's extensions call their things, and where they live in nbagents. Data; nothing is imported."""

from __future__ import annotations

__all__ = ["ALSO", "GONE", "MISSING", "MODULES"]

MODULES: dict[str, dict[str, str]] = {
    "": {},
    "runtimes": {},
    "runtimes.grpc": {"rpc": "GrpcWorkerAgentRuntime GrpcWorkerAgentRuntimeHost"},
}

ALSO: dict[str, str] = {
    "runtimes.grpc": "_worker_runtime _worker_runtime_host",
}

GONE: dict[str, str] = {
    "agents": "nbagents.agents has the agents, and nbagents.runtime those that are routed",
    "code_executors": "code of models runs in nbagents' own sandbox: execute_python_code, KernelExecutor",
    "models": "nbagents.models has the clients of models",
    "runtimes.grpc.protos": "nbagents/rpc/_proto/agent.proto is the contract between workers and their host",
    "tools": "tools are functions, and those of nbagents are in nbagents.tools",
}

MISSING: dict[str, str] = {
    "GrpcWorkerAgentRuntimeHostServicer": "every agent server is a host: nbagents.server.AgentServerServicer",
}
