"""What comes in and what goes out: a call made from what the wire brought, and its end as it travels."""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Mapping
from typing import Any

from .._process import boot_id, process_started
from .._version import __version__
from ..agents import REVISE, Call, peek, scheduler
from ..exceptions import AgentCallError, InternalError, NbAgentsError, ProtocolError
from ..message import Promise
from ..tools import Policy
from ._agents import AgentTable
from ._codec import encode, from_json
from ._faults import encode_error
from ._limits import PROTOCOL, TRACEPARENT
from ._proto import agent_pb2 as pb

__all__ = [
    "admit_call",
    "approve_of",
    "checked_arguments",
    "checked_settings",
    "done_before",
    "greeting",
    "internal_error",
    "outcome",
    "told",
    "traceparent_of",
]

log = logging.getLogger(__name__)
KINDS = {"_reply": "call", "_observe": "observe", "_hold": "hold", REVISE: "call"}
UNTOLD = {"write": "ask", "execute": "ask", "network": "ask", "spend": "ask"}
"""What counts for tools in a run of which nobody knows what was said, however mild their own toolkit is."""
BODIES = {"_reply": "reply", REVISE: REVISE}


def admit_call(
    agents: AgentTable,
    method: str,
    agent_id: str,
    arguments: Any,
    *,
    call_id: str | None = None,
    client: str = "",
    path: tuple[int, ...] = (),
    origin: Any = None,
    needs: tuple[Promise, ...] = (),
) -> Call:
    """Make the call object for a message from outside.

    Raises:
        AgentCallError: the method is none that may be called from outside, or the arguments are malformed.
        AgentNotFoundError: no such agent.
    """
    kind, args, kwargs = checked_arguments(method, arguments)
    agent = agents.get(agent_id).agent
    call = Call(
        scheduler(),
        agent,
        peek(agent, BODIES[method]) if kind == "call" else None,
        args,
        kwargs,
        kind=kind,
        parent=None,
        path=path,
        client=client,
        method=method,
        call_id=call_id,
        needs=needs,
    )
    call.origin = origin
    return call


def checked_arguments(method: str, arguments: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return the kind of a call from outside, and its arguments.

    Raises:
        AgentCallError: the method is none that may be called from outside, or the arguments are malformed.
    """
    kind = KINDS.get(method)
    if kind is None:
        raise AgentCallError(f"Unsupported method {method[:60]!r}; an agent takes {', '.join(KINDS)}")
    if not (isinstance(arguments, list) and len(arguments) == 2 and isinstance(arguments[0], list)):
        raise AgentCallError("the arguments of a call are a list of args and a dictionary of kwargs")
    args, kwargs = arguments
    if not isinstance(kwargs, dict) or (kind != "call" and (len(args) > 1 or kwargs)):
        raise AgentCallError(f"the arguments of {method} are malformed")
    return kind, (tuple(args) if args or kind != "observe" else (None,)), kwargs


def approve_of(frame: pb.Call | pb.Post) -> Mapping[str, str] | None:
    """Return what a call, or a message, brings with it of what tools may do.

    Raises:
        UsageError: it is no policy.
    """
    if frame.HasField("approve"):
        return Policy.of(dict(frame.approve.rules)).rules
    return UNTOLD if frame.run else None


def traceparent_of(post: pb.Post) -> str:
    """Return the span that a typed message was sent in; "" if none is told."""
    span = str(post.metadata.get("traceparent", ""))
    return span if len(span) == TRACEPARENT else ""


def done_before(frame: pb.Call, value: Any, client: str) -> Call:
    """Return the call whose reply was kept; what waits for it finds it like any other."""
    place: Any = {"path": tuple(frame.path), "client": frame.client or client, "call_id": frame.call}
    call = Call(scheduler(), None, None, (), {}, kind="call", parent=None, key=frame.idempotency_key, **place)
    call.agent_name = frame.agent.key
    scheduler().settle(call, value)
    return call


def checked_settings(request: pb.CreateAgentRequest, agents: AgentTable, *, attached: bool) -> dict[str, Any]:
    """Return what makes an agent. Its source comes in a field of its own only, and through one door.

    Raises:
        ProtocolError: it is malformed.
        AgentCallError: its source came through another door.
    """
    settings = from_json(request.agent_init_args, "agent_init_args")
    if not isinstance(settings, dict):
        raise ProtocolError("agent_init_args is not a JSON object")
    if "source" in settings:
        raise AgentCallError("agent_init_args holds no source; that is agent_source_code's")
    if request.agent_source_code:
        agents.classes.check_source()
        if not attached:
            raise AgentCallError(
                "agent_source_code is not taken from a single request, only over the stream of the user"
                " who launched this server: use nbagents, or put the class into a module"
            )
        settings["source"] = from_json(request.agent_source_code, "agent_source_code")
    return settings


def outcome(call: Call, missing: NbAgentsError | None = None) -> pb.Frame:
    """Return how a call ended, as it travels: an update, which does not name the call yet."""
    error: BaseException | None = call.error or missing
    if error is None:
        frame = pb.Frame()
        try:
            encode(call.value if call.kind == "call" else None, into=frame.update.done)
            return frame
        except NbAgentsError as unfit:
            error = type(unfit)(f"the reply of {call.label()}: {unfit}")
        except Exception as odd:  # noqa: BLE001  # a message class of the agent's own may do anything
            error = InternalError(f"the reply of {call.label()} cannot travel: {odd!r}")
    return pb.Frame(update=pb.Update(error=encode_error(error)))


def internal_error(error: Exception) -> InternalError:
    """Log an error that nobody foresaw; return what a caller is told of it."""
    number = secrets.token_hex(4)
    log.error("error %s", number, exc_info=error)
    return InternalError(f"internal error {number}; the server's log tells more")


def told(value: Any) -> pb.GeneralResponse:
    """Return the answer of a method whose message is JSON."""
    try:
        return pb.GeneralResponse(ok=True, message=json.dumps(value, default=str))
    except (TypeError, ValueError) as error:
        raise NbAgentsError(f"the answer cannot be written as JSON: {error}") from None


def greeting(session: str, seen: int, server_id: str, epoch: str) -> pb.Hello:
    """Return what a server says first: who it is, and what it has heard of the session; "" for none."""
    return pb.Hello(
        session=session,
        version=__version__,
        protocol=PROTOCOL,
        last_seen=seen,
        server_id=server_id,
        epoch=epoch,
        pid=os.getpid(),
        pid_started=process_started(os.getpid()),
        boot=boot_id(),
    )
