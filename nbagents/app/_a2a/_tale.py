"""`Tale`: the events of one answer, as A2A tells of a task. Knows no HTTP."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from a2a.types import (
    Artifact,
    Message,
    Part,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)

from .._names import ContentType, MessageType, RunStatus
from .._sequence import Event
from .._stream import well_formed
from ._parts import part_of

__all__ = ["OVER", "Tale", "Update"]

Update = TaskStatusUpdateEvent | TaskArtifactUpdateEvent
_STATES = {
    RunStatus.InProgress: TaskState.TASK_STATE_WORKING,
    RunStatus.Completed: TaskState.TASK_STATE_COMPLETED,
    RunStatus.Failed: TaskState.TASK_STATE_FAILED,
    RunStatus.Canceled: TaskState.TASK_STATE_CANCELED,
}
OVER = frozenset({TaskState.TASK_STATE_COMPLETED, TaskState.TASK_STATE_FAILED, TaskState.TASK_STATE_CANCELED})
MOST_STEPS = 200
"""Thoughts and tool calls that are kept of a task."""


@dataclass
class _Open:
    """A message of the answer that grows."""

    kind: str
    name: str
    parts: list[Part] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    """Of the text that grows."""
    told: bool = False
    odd: bool = False
    """Has a text become another one, so that its pieces do not make it up?"""


class Tale:
    """One answer as a task.

    What the agent says is an artifact for each message, in pieces as it comes. Its thoughts, tool calls and
    their results are messages of the status "working", whose metadata say which of them they are.
    """

    def __init__(self, task_id: str, context_id: str, asked: Message) -> None:
        self._ids: dict[str, Any] = {"task_id": task_id, "context_id": context_id}
        self._history = [asked]
        self._open: dict[str, _Open] = {}
        self._artifacts: list[Artifact] = []
        self._status = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED, timestamp=_now())

    @property
    def over(self) -> bool:
        """Has the answer ended?"""
        return self._status.state in OVER

    @property
    def state(self) -> int:
        """How far it is, a ``TaskState``."""
        return self._status.state

    def break_off(self) -> None:
        """Note that nothing more can be told of it."""
        text = "internal: the answer cannot be told as a task"
        message = self._message(f"{self._ids['task_id']}-error", [Part(text=text)], MessageType.ERROR)
        self._now_is(TaskState.TASK_STATE_FAILED, message)

    def task(self, history_length: int | None = None) -> Task:
        """Return the task as it is now."""
        growing = [
            Artifact(artifact_id=own, name=grown.name, parts=_so_far(grown))
            for own, grown in self._open.items()
            if grown.told
        ]
        history = self._history if history_length is None else self._history[len(self._history) :]
        if history_length:
            history = self._history[-history_length:]
        return Task(
            id=self._ids["task_id"],
            context_id=self._ids["context_id"],
            status=self._status,
            artifacts=[*self._artifacts, *growing],
            history=history,
        )

    def take(self, event: Event) -> Iterator[Update]:
        """Yield what one event of the answer is."""
        told = {"response": self._of_response, "message": self._of_message, "content": self._of_content}
        yield from told[event["object"]](event)

    def _of_response(self, event: Event) -> Iterator[Update]:
        state = _STATES.get(event["status"])
        if state is None:
            return
        error = event["error"]
        message = None
        if error is not None:
            text = well_formed(f"{error['code']}: {error['message']}")
            message = self._message(f"{self._ids['task_id']}-error", [Part(text=text)], MessageType.ERROR)
        yield self._now_is(state, message)

    def _of_message(self, event: Event) -> Iterator[Update]:
        own = event["id"]
        if event["status"] == RunStatus.InProgress:
            about = event["metadata"] or {}
            self._open[own] = _Open(event["type"], well_formed(str(about.get("original_name", ""))))
            return
        grown = self._open.pop(own)
        parts = [part_of(content) for content in event["content"]]
        if grown.kind != MessageType.MESSAGE:
            if parts:
                message = self._message(own, parts, grown.kind)
                self._history = [*self._history[:1], *self._history[1:][-MOST_STEPS + 1 :], message]
                yield self._now_is(TaskState.TASK_STATE_WORKING, message)
        elif parts or grown.told:
            self._artifacts.append(Artifact(artifact_id=own, name=grown.name, parts=parts))
            # An artifact has a part, and the last piece of one is known only when nothing more comes.
            again = grown.odd or not grown.told
            yield self._piece(own, grown, parts if again else [Part(text="")], append=not again, last=True)

    def _of_content(self, event: Event) -> Iterator[Update]:
        own = event["msg_id"]
        grown = self._open[own]
        if grown.kind != MessageType.MESSAGE:
            return
        if event["delta"]:
            grown.pieces.append(event["text"])
            yield self._piece(own, grown, [part_of(event)], append=grown.told)
            return
        if event["type"] == ContentType.TEXT:
            grown.odd = grown.odd or "".join(grown.pieces) != event["text"]
            grown.pieces.clear()
        else:
            yield self._piece(own, grown, [part_of(event)], append=grown.told)
        grown.parts.append(part_of(event))

    def _piece(
        self, own: str, grown: _Open, parts: list[Part], *, append: bool, last: bool = False
    ) -> TaskArtifactUpdateEvent:
        grown.told = True
        artifact = Artifact(artifact_id=own, name=grown.name, parts=parts)
        return TaskArtifactUpdateEvent(artifact=artifact, append=append, last_chunk=last, **self._ids)

    def _now_is(self, state: Any, message: Message | None) -> TaskStatusUpdateEvent:
        self._status = TaskStatus(state=state, timestamp=_now(), message=message)
        return TaskStatusUpdateEvent(status=self._status, **self._ids)

    def _message(self, own: str, parts: list[Part], kind: str) -> Message:
        return Message(
            message_id=own, role=Role.ROLE_AGENT, parts=parts, metadata={"type": kind}, **self._ids
        )


def _so_far(grown: _Open) -> list[Part]:
    return [*grown.parts, *([Part(text="".join(grown.pieces))] if grown.pieces else [])]


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
