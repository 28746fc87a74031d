"""`Spans`: makes spans of events, named and described by OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from ..events import REPLIES, Event
from ._contents import messages_in, messages_out, plain
from ._place import Place, enter, leave, parent_of
from ._provider import shows_messages

__all__ = ["Spans", "ended_with"]

SERVICE = "nbagents.v1.AgentServer"

_model: ContextVar[Place | None] = ContextVar("nbagents_model_span", default=None)
"""The request to a model that the running code makes."""


class Spans:
    """The spans of what is under way in this process. Events come on any thread.

    A call to another process is a span of the wire, of kind CLIENT here and SERVER there; the agent's own is
    inside of that. Each event is heard where it happens, so whatever that code calls finds the span.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._calls: dict[str, list[Span]] = {}
        """The open spans of each call, the innermost last."""
        self._tools: dict[tuple[str, str, str], Place] = {}
        self._shows = shows_messages()
        self._hears = {
            "queued": self._queued,
            "started": self._started,
            "done": self._ended,
            "failed": self._ended,
            "model": self._asked,
            "usage": self._counted,
            "model_over": self._answered,
            "tool_call": self._tool_called,
            "tool_result": self._tool_over,
        }

    def hear(self, event: Event) -> None:
        """Take an event of this process."""
        hears = self._hears.get(event.kind)
        if hears is not None:
            hears(event)

    def close(self) -> None:
        """End what is open, with what is known of it so far. Any thread."""
        while self._calls:
            _, spans = self._calls.popitem()
            for span in reversed(spans):
                span.end()
        while self._tools:
            self._tools.popitem()[1].span.end()

    # ---- calls

    def _queued(self, event: Event) -> None:
        call = event.source
        if call.id != event.call or call.context is None or call.kind != "call":
            return  # one of many alike, which are one question here
        if call.remote is not None:
            kind = SpanKind.CLIENT
        elif call.origin is not None and call.parent is None:
            kind = SpanKind.SERVER
        else:
            return
        method = str(event.data.get("method") or "call")
        about = {
            "rpc.system.name": "grpc",
            "rpc.method": f"{SERVICE}/{method}",
            "gen_ai.agent.name": event.agent,
        }
        self._open(call, event, f"{SERVICE}/{method}", kind, about)

    def _started(self, event: Event) -> None:
        call = event.source
        if call.kind != "call" or call.context is None or call.method not in REPLIES:
            return
        about = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": event.agent,
            "nbagents.call": event.call,
        }
        if event.run:
            about["nbagents.run"] = event.run
        agent = object.__getattribute__(call.agent, "__dict__")
        if isinstance(agent.get("agent_id"), str):
            about["gen_ai.agent.id"] = agent["agent_id"]
        span = self._open(call, event, f"invoke_agent {event.agent}", SpanKind.INTERNAL, about)
        if self._shows:
            span.set_attribute("gen_ai.input.messages", messages_in([*call.args, *call.kwargs.values()]))

    def _open(self, call: Any, event: Event, name: str, kind: SpanKind, about: dict[str, Any]) -> Span:
        def begin() -> Span:
            span = self._tracer.start_span(name, parent_of(), kind, about)
            enter(span)
            return span

        span: Span = call.context.run(begin)
        self._calls.setdefault(event.call, []).append(span)
        return span

    def _ended(self, event: Event) -> None:
        spans = self._calls.pop(event.call, None)
        error = event.data.get("error")
        if spans is None:
            if error is not None and getattr(event.source, "id", "") == event.call:
                self._never_begun(event, error)
            return
        if self._shows and error is None and spans[-1].is_recording():
            spans[-1].set_attribute("gen_ai.output.messages", messages_out([event.data.get("message")]))
        for span in reversed(spans):
            ended_with(span, error)
            span.end()

    def _never_begun(self, event: Event, error: BaseException) -> None:
        """A call that failed before its turn: of what was to be its argument, or since its time was up."""
        call = event.source
        if call.kind == "call" and call.context is not None and call.method in REPLIES:
            self._open(call, event, f"invoke_agent {event.agent}", SpanKind.INTERNAL, {
                "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": event.agent,
            })  # fmt: skip
            self._ended(event)

    # ---- models

    def _asked(self, event: Event) -> None:
        model = str(event.data.get("model") or "")
        operation = str(event.data.get("operation") or "chat")
        about = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": str(event.data.get("provider") or "unknown"),
            "gen_ai.request.model": model,
        }
        if event.agent:
            about["gen_ai.agent.name"] = event.agent
        span = self._tracer.start_span(f"{operation} {model}", parent_of(), SpanKind.CLIENT, about)
        _model.set(enter(span))

    def _counted(self, event: Event) -> None:
        place = _model.get()
        if place is not None:
            place.span.set_attribute("gen_ai.usage.input_tokens", int(event.data.get("prompt_tokens") or 0))
            place.span.set_attribute(
                "gen_ai.usage.output_tokens", int(event.data.get("completion_tokens") or 0)
            )

    def _answered(self, event: Event) -> None:
        place = _model.get()
        if place is None:
            return
        _model.set(None)
        if self._shows:
            asked, said = event.data.get("asked"), event.data.get("said")
            if asked:
                place.span.set_attribute("gen_ai.input.messages", messages_in(asked))
            if said:
                place.span.set_attribute("gen_ai.output.messages", messages_out([said]))
        ended_with(place.span, event.data.get("error"))
        place.span.end()
        leave(place)

    # ---- tools

    def _tool_called(self, event: Event) -> None:
        name, call_id = str(event.data.get("name")), str(event.data.get("id"))
        about = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
        }
        if call_id:
            about["gen_ai.tool.call.id"] = call_id
        if event.agent:
            about["gen_ai.agent.name"] = event.agent
        span = self._tracer.start_span(f"execute_tool {name}", parent_of(), SpanKind.INTERNAL, about)
        if self._shows:
            span.set_attribute("gen_ai.tool.call.arguments", plain(event.data.get("arguments")))
        self._tools[event.call, name, call_id] = enter(span)

    def _tool_over(self, event: Event) -> None:
        name, call_id = str(event.data.get("name")), str(event.data.get("id"))
        place = self._tools.pop((event.call, name, call_id), None)
        if place is None:
            return
        state = str(event.data.get("state"))
        if state != "done":
            place.span.set_attribute("error.type", state)
        if state == "error":
            place.span.set_status(StatusCode.ERROR)
        if self._shows:
            place.span.set_attribute("gen_ai.tool.call.result", plain(event.data.get("output")))
        place.span.end()
        leave(place)


def ended_with(span: Span, error: BaseException | None) -> None:
    """Note how it ended: the kind of an error, and not its text, which may hold what was said."""
    if error is not None:
        span.set_attribute("error.type", str(getattr(error, "type_name", "") or type(error).__name__))
        span.set_status(StatusCode.ERROR)
