"""The thirteen methods of an agent server as its `.proto` names them, and what each takes."""

from __future__ import annotations

from typing import Any

from google.protobuf import message_factory

from ._proto import agent_pb2 as pb

__all__ = ["ATTACH", "REQUESTS", "STREAM_REQUESTS", "paths"]

REQUESTS: dict[str, Any] = {
    method.name: message_factory.GetMessageClass(method.input_type)
    for method in pb.DESCRIPTOR.services_by_name["RpcAgent"].methods
}
"""The class of each method's request, by the method's name."""
STREAM_REQUESTS: dict[str, Any] = REQUESTS | {"waits": pb.StringMsg}
"""What can be requested over the Attach stream: those, and what only servers ask of each other."""
ATTACH = "/nbagents.v1.AgentServer/Attach"


def paths() -> list[str]:
    """Return the full name of every method that a server offers, over both services."""
    names = [f"/{service}/{name}" for service in ("nbagents.v1.RpcAgent", "RpcAgent") for name in REQUESTS]
    return [*names, ATTACH]
