"""`Record`: what one call of an agent did, gathered from its events.

Knows times and texts, not how they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import budget
from ..events import PRINTED, REPLIES, Event
from ..exceptions import CallCancelledError
from ..message import Msg
from ..render import State, content_text
from ._tool_calls import ToolCalls

__all__ = ["Interval", "Record", "cut"]

BLINK = 0.01
"""A span shorter than this many seconds is not worth drawing."""

Interval = tuple[float, float, str]


class Record:
    """One call. Times are seconds of ``time.monotonic``. Its owner holds the lock."""

    __slots__ = (
        "agent",
        "call",
        "children",
        "completion_tokens",
        "cost",
        "ended_at",
        "error",
        "heard_by",
        "human",
        "message",
        "method",
        "model",
        "parent",
        "pieces",
        "printed",
        "printed_size",
        "prompt_tokens",
        "queued_at",
        "said_all",
        "spoken",
        "started_at",
        "state",
        "took_from",
        "tools",
        "waits_for",
    )

    def __init__(self, event: Event, heard_by: tuple[str, ...] = ()) -> None:
        self.call, self.agent, self.parent = event.call, event.agent, event.parent
        self.method = str(event.data.get("method", ""))
        self.waits_for: tuple[str, ...] = tuple(event.data.get("waits_for", ()))
        self.took_from: tuple[str, ...] = tuple(map(str, event.data.get("took_from") or ()))
        self.heard_by = heard_by
        self.queued_at = event.at
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.state: State = "waiting"
        self.pieces: list[str] = []
        self.spoken: list[Msg] = []
        self.said_all = False  # is what has streamed the message that was spoken last?
        self.printed: list[str] = []
        self.printed_size = 0
        self.model: str | None = None
        self.prompt_tokens = self.completion_tokens = 0
        self.cost: float | None = 0.0
        """In dollars; None if the price of a model it has asked is not known."""
        self.message: Any = None
        self.error: BaseException | None = None
        self.children: list[Record] = []
        self.human: list[tuple[float, float | None]] = []
        self.tools = ToolCalls()

    @property
    def is_reply(self) -> bool:
        """Is this call a message? Of any other, a look at the agent's data, only a failure is a row."""
        return self.method in REPLIES

    @property
    def over(self) -> bool:
        """Has it ended?"""
        return self.ended_at is not None

    @property
    def tokens(self) -> int | None:
        """What its model read and wrote, where it has told."""
        return self.prompt_tokens + self.completion_tokens or None

    def hear(self, event: Event) -> None:
        """Take in what happened to this call."""
        data = event.data
        match event.kind:
            case "started":
                self.state, self.started_at = "running", event.at
            case "model":
                self.model = str(data.get("model") or "") or self.model
            case "replayed":
                self.model = self.model or str(data.get("label") or "") or None
            case "delta":
                if self.said_all:
                    self.said_all = False
                    self.pieces.clear()
                self.pieces.append(str(data.get("text", "")))
            case "usage":
                self.model = str(data.get("model") or "") or self.model
                self.prompt_tokens += int(data.get("prompt_tokens") or 0)
                self.completion_tokens += int(data.get("completion_tokens") or 0)
                self._charge(data)
            case "printed":
                self._print(str(data.get("text", "")))
            case "spoke":
                if isinstance(data.get("message"), Msg):
                    self.spoken.append(data["message"])
                    self.said_all = True
            case "tool_call" | "approval" | "tool_result":
                self.tools.hear(event.kind, data, event.at)
            case "question":
                self.state = "human"
                self.human.append((event.at, None))
            case "answered" if self.human and self.human[-1][1] is None:
                self.state = "running"
                self.human[-1] = (self.human[-1][0], event.at)
            case "done":
                self._end(event.at, "done")
                self.message = data.get("message")
            case "failed":
                self.error = data.get("error")
                self._end(event.at, "stopped" if isinstance(self.error, CallCancelledError) else "failed")

    def text(self) -> str:
        """Return what has streamed so far."""
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        if not self.pieces and self.said_all:
            return content_text(self.spoken[-1].content)
        return self.pieces[0] if self.pieces else ""

    def asides(self) -> list[Msg]:
        """Return what the agent showed besides its reply."""
        if self.state != "done":
            return self.spoken[:-1] if self.said_all else self.spoken
        replies = {message.id for message in self.messages()}
        return [message for message in self.spoken if message.id not in replies]

    def messages(self) -> list[Msg]:
        """Return its reply as messages."""
        given = self.message if isinstance(self.message, (list, tuple)) else [self.message]
        return [message for message in given if isinstance(message, Msg)]

    def spans(self, now: float) -> list[Interval]:
        """Return when it waited and worked; what it waited for in calls of its own is not its work."""
        end = self.ended_at if self.ended_at is not None else now
        begin = self.started_at if self.started_at is not None else end
        found: list[Interval] = []
        if begin - self.queued_at > BLINK:
            found.append((self.queued_at, begin, "waits" if self.waits_for else "queued"))
        if self.started_at is None:
            return found
        inner = [(c.queued_at, c.ended_at if c.ended_at is not None else now, "waits") for c in self.children]
        inner += [(start, stop if stop is not None else end, "human") for start, stop in self.human]
        for tool in self.tools.calls:  # while it waits for another agent, or a person, it does not work
            inner += cut(tool.began, tool.ended if tool.ended is not None else end, list(inner), "tool")
        return found + cut(begin, end, inner, "stopped" if self.state == "stopped" else "model")

    def _charge(self, data: Mapping[str, Any]) -> None:
        cost = data.get("cost")
        if cost is None:
            tokens = (int(data.get(kind) or 0) for kind in ("prompt_tokens", "completion_tokens"))
            cost = budget.cost_of(str(data.get("model") or ""), *tokens)
        self.cost = None if cost is None or self.cost is None else self.cost + float(cost)

    def _print(self, text: str) -> None:
        room = PRINTED - self.printed_size
        if room <= 0:
            return
        self.printed.append(text if len(text) <= room else text[:room] + "\n… the rest is not kept")
        self.printed_size += len(text)

    def _end(self, at: float, state: State) -> None:
        self.ended_at, self.state = at, state
        self.tools.end(at)
        if state == "done":
            self.pieces.clear()  # the message has it all
        if self.human and self.human[-1][1] is None:
            self.human[-1] = (self.human[-1][0], at)


def cut(begin: float, end: float, inner: Iterable[Interval], kind: str) -> list[Interval]:
    """Cut a stretch of time into ``inner`` intervals and, between them, pieces of ``kind``.

    >>> cut(0, 10, [(2, 4, "waits"), (3, 6, "waits")], "model")
    [(0, 2, 'model'), (2, 4, 'waits'), (4, 6, 'waits'), (6, 10, 'model')]
    """
    found: list[Interval] = []
    at = begin
    for start, stop, what in sorted(inner):
        start, stop = max(start, at), min(stop, end)
        if stop <= start:
            continue
        if start > at:
            found.append((at, start, kind))
        found.append((start, stop, what))
        at = stop
    if end > at or not found:
        found.append((at, end, kind))
    return found
