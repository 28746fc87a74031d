"""`LivingAgents`: the agents that live in a host itself, as routed agents see them.

`AgentId(name, workspace)` names an agent of the server; the key "default" is enough where it is the only one
of its name. The type may be the agent's id as well. What is no `Msg` becomes one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from ...agents import Call, ended_because, scheduler
from ...exceptions import CantHandleException, NbAgentsError, UndeliverableException
from ...message import Msg
from .._admission import admit_call, approve_of, internal_error, traceparent_of
from .._agents import AgentTable
from .._codec import from_json, to_json
from .._faults import encode_error
from .._hosted import Hosted
from .._limits import LONGEST_ID
from .._printable import printable
from .._proto import agent_pb2 as pb
from .._results import Results
from .._run_book import RunBook

__all__ = ["JSON", "MESSAGE", "TEXT", "LivingAgents"]

log = logging.getLogger(__name__)
JSON = "application/json"
MESSAGE, TEXT, PLAIN = "Msg", "str", "json"
"""The type names of a `Msg`, of a text, and of any other value that JSON holds."""


class LivingAgents:
    """Sends typed messages to the agents of one server. On the loop only."""

    def __init__(self, agents: AgentTable, results: Results, runs: RunBook) -> None:
        self._agents, self._results, self._runs = agents, results, runs

    def _find(self, kind: str, key: str) -> Hosted | None:
        """Return the agent that an `AgentId` names.

        Raises:
            UndeliverableException: several have that name.
        """
        if kind in self._agents:
            return self._agents.get(kind)
        found = _fitting(self._agents.named(kind), key) or _fitting(
            [one for one in self._agents.all() if one.agent._name == kind], key
        )  # those that have renamed themselves are looked for last: that takes longer
        if len(found) > 1:
            places = ", ".join(printable(one.workspace, 80) for one in found[:5])
            raise UndeliverableException(
                f"{len(found)} agents of the host are called {printable(kind, 60)}",
                hint=f"give the workspace as the key, one of {places}, or the agent's id as the type",
            )
        return found[0] if found else None

    def send(
        self,
        post: pb.Post,
        answered: Callable[[pb.Frame], object],
        unknown: Callable[[str], NbAgentsError],
    ) -> Callable[[str], object]:
        """Call an agent with a message; ``answered`` is called once, later, with the frame of its outcome.

        Return what ends the call.

        Raises:
            NbAgentsError: there is no such agent, it takes no such message, or its run was stopped.
        """
        hosted = self._find(post.agent.type, post.agent.key)
        if hosted is None:
            raise unknown(_label(post))
        if post.method:
            raise CantHandleException(
                f"{_label(post)} lives in the host, where {printable(post.method, 40)} is not asked so"
            )
        timeout = post.timeout_ms / 1000 if post.timeout_ms else None
        call = self._call(hosted, "_reply", post, timeout)

        def ended() -> None:
            call.read = True
            answered(_outcome(call))

        call.on_done(ended)
        return lambda why: scheduler().end(call, ended_because(call.label(), why))

    def knows(self, name: str) -> bool:
        """Is there an agent of that name or id?"""
        try:
            return self._find(name, "default") is not None
        except UndeliverableException:  # several
            return True

    def observe(self, name: str, post: pb.Post) -> bool:
        """Let the agent of that name observe a topic's message; False if it cannot."""
        try:
            hosted = self._find(name, post.topic.source)
            if hosted is None:
                return False
            call = self._call(hosted, "_observe", post, None)
        except NbAgentsError as error:
            log.warning("a message to %s reached nobody: %s", printable(post.topic.type, 60), error)
            return False
        call.read = True
        return True

    def _call(self, hosted: Hosted, method: str, post: pb.Post, timeout: float | None) -> Call:
        self._results.check_open()
        if post.run and (refusal := self._runs.refusal(post.run)):
            raise refusal
        call = admit_call(self._agents, method, hosted.agent_id, [[_message(post)], {}])
        call.approve = approve_of(post)
        self._results.add(call)
        scheduler().admit(
            call,
            run=post.run[:LONGEST_ID],
            workspace=hosted.workspace,
            timeout=timeout,
            span=traceparent_of(post),
        )
        return call


def _fitting(named: list[Hosted], key: str) -> list[Hosted]:
    """Return those in the workspace that a key names; "default" fits all."""
    return [one for one in named if one.workspace == key] or (named if key == "default" else [])


def _message(post: pb.Post) -> Msg:
    """Return what an agent hears.

    Raises:
        CantHandleException: the body is none that could be read by it.
        ProtocolError: it is malformed.
    """
    body = post.body
    if body.content_type != JSON:
        raise CantHandleException(
            f"an agent of the host reads JSON, not {printable(body.content_type, 40)}: send a Msg or a text"
        )
    value = from_json(body.data, "the message")
    if isinstance(value, Msg):
        return value
    if isinstance(value, dict) and isinstance(value.get("content"), str):
        value = value["content"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    name = post.sender.type if post.HasField("sender") else "user"
    return Msg(name, text, "assistant" if post.HasField("sender") else "user")


def _outcome(call: Call) -> pb.Frame:
    """Return how a call ended; its frame does not name it yet."""
    error: BaseException | None = call.error
    if error is None:
        frame = pb.Frame()  # written in place: a message that is put into another one is copied
        try:
            _write_value(call.value, frame.outcome.done)
            return frame
        except NbAgentsError as unfit:
            error = unfit
        except Exception as odd:  # noqa: BLE001  # a message class of the agent's own may do anything
            error = internal_error(odd)
    return pb.Frame(outcome=pb.Outcome(error=encode_error(error)))


def _write_value(value: Any, into: pb.Value) -> None:
    into.SetInParent()
    if value is not None:
        into.data = to_json(value).encode()
        into.type = MESSAGE if isinstance(value, Msg) else TEXT if isinstance(value, str) else PLAIN
        into.content_type = JSON


def _label(post: pb.Post) -> str:
    return printable(f"{post.agent.type}/{post.agent.key}", 120)
