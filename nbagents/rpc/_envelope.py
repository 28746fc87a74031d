"""`envelope`: what a call carries besides its arguments.

Its frame is filled in place: a message that is put into another one is copied, by way of its bytes.
"""

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


def envelope(call: Call, agent_id: str, kind: str, others: Sequence[str] = ()) -> pb.Frame:
    """Return the frame of a call to an agent, and to the ``others``, but for its arguments."""
    frame = pb.Frame()
    to = frame.call
    to.agent.key = agent_id
    to.call, to.method, to.client = call.id, call.method, call.client
    to.path.extend(call.path)
    # Most calls have none of these, and each would cost.
    if kind:
        to.agent.type = kind
    if call.approve or standing_policy().rules:
        to.approve.rules.update(Policy.strictest(Policy.of(call.approve), standing_policy()).rules)
    elif call.run:
        to.approve.SetInParent()  # nothing was said, and that is known
    if call.run or call.workspace:
        to.run, to.workspace = call.run, call.workspace
    if call.parent_id:
        to.parent = call.parent_id
        to.chain.extend(call.full_chain())
    if call.deadline is not None:
        to.timeout_ms = min(max(1, int((call.deadline - time.monotonic()) * 1000)), LONGEST_MS)
    if events.wanted_from_afar(call):
        to.watched = True
    if others:
        to.others.extend(others)
    if call.key:
        to.idempotency_key = call.key
    surroundings = call.context or (call.parent.context if call.parent is not None else None)
    if surroundings is not None and (span := surroundings.get(context.traceparent, "")):
        to.traceparent = span
    return frame
