"""The methods of an agent server as its contracts name them, and what each takes."""

from __future__ import annotations

from typing import Any

from google.protobuf import message_factory

from ..exceptions import ProtocolError
from ._proto import agent_pb2 as pb
from ._proto import health_pb2
from ._shape import parse

__all__ = [
    "ATTACH",
    "HEALTH",
    "HEALTH_SERVICE",
    "REQUESTS",
    "STEERING",
    "STREAM_REQUESTS",
    "TOPICS",
    "health_paths",
    "parsed_request",
    "paths",
]

REQUESTS: dict[str, Any] = {
    method.name: message_factory.GetMessageClass(method.input_type)
    for method in pb.DESCRIPTOR.services_by_name["RpcAgent"].methods
}
"""The class of each method's request, by the method's name."""
STEERING = frozenset(
    {"begin_run", "note_run", "end_run", "runs", "run_events", "watch_run", "stop_run", "stop_call"}
    | {"interrupt", "limit_run", "grant_run", "share_run", "recall_run"}
    | {"tape_run", "tape_answer"}
    | {"questions", "answer", "show_question", "leave_question", "ask", "edit_memory", "sent_to_model", "log"}
    | {"fork_agent"}
)
"""What a user's own sessions ask of runs, questions, memories and the log; see `_steering`."""
TOPICS = frozenset({"declare", "retire", "ring", "topics"})
"""What workers ask of their host; see `_topics`."""
STREAM_REQUESTS: dict[str, Any] = REQUESTS | dict.fromkeys({"waits", *STEERING, *TOPICS}, pb.StringMsg)
"""What can be requested over the Attach stream: those, and what only servers ask of each other."""
ATTACH = "/nbagents.v1.AgentServer/Attach"
HEALTH_SERVICE = "grpc.health.v1.Health"
"""The name of gRPC's standard health service."""
HEALTH: dict[str, Any] = {
    "Check": health_pb2.HealthCheckRequest,
    "List": health_pb2.HealthListRequest,
    "Watch": health_pb2.HealthCheckRequest,
}
"""The class of each of its methods' request; ``Watch`` streams its answers."""


def parsed_request(method: str, body: bytes) -> Any:
    """Return the message of a request over the Attach stream.

    Raises:
        ProtocolError: there is no such method there, or the body is no message of its kind.
    """
    kind = STREAM_REQUESTS.get(method)
    if kind is None or method == "download_file":
        raise ProtocolError(f"no method {method[:60]!r} can be requested here")
    return parse(kind, body, f"the body of {method}")


def paths() -> list[str]:
    """Return the full name of every method that a server offers, over all its services."""
    names = [f"/{service}/{name}" for service in ("nbagents.v1.RpcAgent", "RpcAgent") for name in REQUESTS]
    return [*names, ATTACH, *health_paths()]


def health_paths() -> list[str]:
    """Return the full names of the methods that a server may be asked to open to everybody."""
    return [f"/{HEALTH_SERVICE}/{name}" for name in HEALTH]
