"""`Sequence`: what agents say, as the numbered events of one answer. Pure: no clock but the one given."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

from ..message import Msg
from ._names import ContentType, MessageType, Role, RunStatus

__all__ = ["Event", "Sequence"]

Event = dict[str, Any]

_KINDS = {
    "thinking": MessageType.REASONING,
    "tool_use": MessageType.PLUGIN_CALL,
    "tool_result": MessageType.PLUGIN_CALL_OUTPUT,
}
"""Blocks that are messages of their own kind; all others are parts of plain ones."""
_TOOLS = frozenset({"tool_use", "tool_result"})


class Sequence:
    """The events of one answer, numbered from 0 without a gap.

    A message that grows, as `stream_printing_messages` yields it, becomes pieces; several may grow at
    the same time. A tool call is told once it is whole.

    >>> answer = Sequence("response_1", "s", now=0)
    >>> said = [*answer.begin(), *answer.take(Msg("a", "The"), True), *answer.finish(now=1)]
    >>> [(event["object"], event["status"]) for event in said]  # doctest: +NORMALIZE_WHITESPACE
    [('response', 'created'), ('response', 'in_progress'), ('message', 'in_progress'),
     ('content', 'in_progress'), ('content', 'completed'), ('message', 'completed'),
     ('response', 'completed')]
    """

    def __init__(self, response_id: str, session_id: str, now: int) -> None:
        self.response_id = response_id
        self.usage: dict[str, Any] | None = None
        """What models have taken so far: stands in each message that is whole, and at the end."""
        self._next = 0
        self._growing: dict[str, _Growing] = {}
        self._plain: _Growing | None = None
        self._output: list[Event] = []
        self._head: Event = {"id": response_id, "created_at": now, "session_id": session_id}

    # ---- the answer

    def begin(self) -> list[Event]:
        """Return the first two events."""
        return [self._response(RunStatus.Created), self._response(RunStatus.InProgress)]

    def finish(self, now: int) -> list[Event]:
        """Return the last events: what still grows is whole now."""
        return [*self._close(), self._response(RunStatus.Completed, completed_at=now)]

    def fail(self, code: str, message: str, error_id: str, now: int) -> list[Event]:
        """Return the last event of an answer that broke off; what was said stays said."""
        error = {"code": code, "message": message, "id": error_id}
        return [
            *self._close(RunStatus.Incomplete),
            self._response(RunStatus.Failed, error=error, completed_at=now),
        ]

    def cancel(self, now: int) -> list[Event]:
        """Return the last event of an answer that somebody stopped."""
        return [*self._close(RunStatus.Incomplete), self._response(RunStatus.Canceled, completed_at=now)]

    def so_far(self) -> list[Event]:
        """Return the messages so far, also those that still grow, with what is there of them."""
        growing = [*self._growing.values(), *([] if self._plain is None else [self._plain])]
        return [*self._output, *(told for grown in growing if (told := grown.so_far()) is not None)]

    def _response(self, status: str, *, error: Any = None, completed_at: int | None = None) -> Event:
        over = completed_at is not None
        return self._numbered(
            {
                "object": "response",
                "status": status,
                "error": error,
                **self._head,
                "completed_at": completed_at,
                "output": list(self._output) if over else None,
                "usage": self.usage if over else None,
            }
        )

    def _close(self, status: str = RunStatus.Completed) -> list[Event]:
        told = [event for grown in list(self._growing.values()) for event in grown.end(status)]
        self._growing.clear()
        if self._plain is not None:
            told += self._plain.end(status)
            self._plain = None
        return told

    def _numbered(self, event: Event) -> Event:
        number, self._next = self._next, self._next + 1
        return {"sequence_number": number, **event}

    # ---- what is said

    def take(self, message: Msg, last: bool) -> list[Event]:
        """Return the events of a message as far as it has come; ``last`` when it is whole."""
        grown = self._growing.get(message.id)
        if grown is None:
            grown = self._growing[message.id] = _Growing(self, message)
        told = list(grown.take(_blocks(message), last))
        if last:
            told += grown.end()
            self._growing.pop(message.id, None)
        return told

    def text(self, piece: str) -> list[Event]:
        """Return the events of the next piece of a plain text."""
        if self._plain is None:
            self._plain = _Growing(self, None)
        return list(self._plain.add(piece))


class _Growing:
    """One message of the agents, which may be several of the answer."""

    def __init__(self, sequence: Sequence, message: Msg | None) -> None:
        self._sequence = sequence
        self._numbered, self._output = sequence._numbered, sequence._output
        self._about = None if message is None else {"original_id": message.id, "original_name": message.name}
        self._open: Event | None = None
        self._done = 0
        """Blocks that are told whole."""
        self._text = ""
        """What is told of the text that grows."""
        self._begun = False

    def take(self, blocks: list[dict[str, Any]], last: bool) -> Iterator[Event]:
        whole = len(blocks) if last else len(blocks) - 1
        for index in range(self._done, len(blocks)):
            block, done = blocks[index], index < whole
            kind = block["type"]
            if kind in ("text", "thinking"):
                yield from self._grow(str(block[kind]), _KINDS.get(kind, MessageType.MESSAGE))
                if done:
                    yield from self._whole_text()
            elif done:
                yield from self._part(block)
            if done:
                self._done = index + 1

    def add(self, piece: str) -> Iterator[Event]:
        yield from self._grow(self._text + piece, MessageType.MESSAGE)

    def end(self, status: str = RunStatus.Completed) -> list[Event]:
        told = list(self._whole_text()) if self._begun else []
        return [*told, *self._shut(status)]

    def so_far(self) -> Event | None:
        message, text = self._open, self._text
        if message is None:
            return None
        rest = [{"type": ContentType.TEXT, "text": text}] if text else []
        return {**message, "content": [*message["content"], *rest]}

    def _grow(self, text: str, kind: str) -> Iterator[Event]:
        yield from self._opened(kind)
        new = text[len(self._text) :] if text.startswith(self._text) else ""
        self._text, self._begun = text, True
        if new:
            yield self._content(RunStatus.InProgress, ContentType.TEXT, delta=True, text=new)

    def _whole_text(self) -> Iterator[Event]:
        text, self._text, self._begun = self._text, "", False
        yield self._content(RunStatus.Completed, ContentType.TEXT, text=text)

    def _part(self, block: dict[str, Any]) -> Iterator[Event]:
        kind = block["type"]
        yield from self._opened(_KINDS.get(kind, MessageType.MESSAGE))
        yield self._content(RunStatus.Completed, **_content_of(block))
        if kind in _TOOLS:
            yield from self._shut()

    def _opened(self, kind: str) -> Iterator[Event]:
        if self._open is not None and self._open["type"] != kind:
            yield from self._shut()
        if self._open is None:
            role = Role.TOOL if kind == MessageType.PLUGIN_CALL_OUTPUT else Role.ASSISTANT
            self._open = {
                "object": "message",
                "status": RunStatus.InProgress,
                "error": None,
                "id": f"msg_{secrets.token_hex(16)}",
                "type": kind,
                "role": role,
                "content": [],
                "usage": None,
                "metadata": self._about,
            }
            yield self._numbered({**self._open, "content": None})

    def _shut(self, status: str = RunStatus.Completed) -> Iterator[Event]:
        if self._open is None:
            return
        whole, self._open = {**self._open, "status": status, "usage": self._sequence.usage}, None
        self._output.append(whole)
        yield self._numbered(whole)

    def _content(self, status: str, type: str, *, delta: bool = False, **held: Any) -> Event:
        assert self._open is not None
        parts = self._open["content"]
        part = {
            "object": "content",
            "status": status,
            "error": None,
            "type": type,
            "index": len(parts),
            "delta": delta,
            "msg_id": self._open["id"],
            **held,
        }
        if not delta:
            parts.append(part)
        return self._numbered(part)


def _blocks(message: Msg) -> list[dict[str, Any]]:
    blocks = message.get_content_blocks()
    if not blocks and message.content not in (None, "", []):
        return [{"type": "text", "text": json.dumps(message.content, ensure_ascii=False, default=str)}]
    return blocks


def _content_of(block: dict[str, Any]) -> dict[str, Any]:
    kind = block["type"]
    if kind == "tool_use":
        arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
        return {
            "type": ContentType.DATA,
            "data": {"call_id": block.get("id"), "name": block["name"], "arguments": arguments},
        }
    if kind == "tool_result":
        output = block["output"]
        text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, default=str)
        return {
            "type": ContentType.DATA,
            "data": {"call_id": block.get("id"), "name": block.get("name"), "output": text},
        }
    source = block["source"]
    if source.get("type") == "base64":
        where = f"data:{source.get('media_type', 'application/octet-stream')};base64,{source.get('data', '')}"
    else:
        where = str(source.get("url", ""))
    return {"type": kind, f"{kind}_url": where}
