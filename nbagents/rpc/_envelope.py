"""`envelope`: what a call carries besides its arguments."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .. import context, events
from ..agents import Call
from ..tools import Policy
from ..tools._policy import standing_policy
from ._limits import LONGEST_MS
from ._proto import agent_pb2 as pb

__all__ = ["envelope"]


def envelope(
    call: Call, agent_id: str, kind: str, arguments: pb.Payload, others: Sequence[str] = ()
) -> pb.Frame:
    """Return the frame of a call to an agent, and to the ``others``, in the order of its program."""
    frame = pb.Call(
        agent=pb.Agent(type=kind, key=agent_id),
        call=call.id,
        method=call.method,
        arguments=arguments,
        path=call.path,
        client=call.client,
    )
    # Most calls have none of these, and each would cost.
    if rules := Policy.strictest(Policy.of(call.approve), standing_policy()).rules:
        frame.approve.rules.update(rules)
    elif call.run:
        frame.approve.SetInParent()  # nothing was said, and that is known
    if call.run or call.workspace:
        frame.run, frame.workspace = call.run, call.workspace
    if call.parent_id:
        frame.parent = call.parent_id
        frame.chain.extend(call.full_chain())
    if call.deadline is not None:
        frame.timeout_ms = min(max(1, int((call.deadline - time.monotonic()) * 1000)), LONGEST_MS)
    if events.wanted_from_afar(call):
        frame.watched = True
    if others:
        frame.others.extend(others)
    if call.key:
        frame.idempotency_key = call.key
    surroundings = call.context or (call.parent.context if call.parent is not None else None)
    if surroundings is not None and (span := surroundings.get(context.traceparent, "")):
        frame.traceparent = span
    return pb.Frame(call=frame)
