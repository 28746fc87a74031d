"""Messages as parts of A2A, and what an A2A agent says as content. Loads the protocol's package."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from typing import Any

from a2a.helpers import get_data_parts
from a2a.types import Artifact, Message, Part, StreamResponse, Task, TaskState, TaskStatus

from ..exceptions import UsageError
from ..message import Msg

__all__ = ["Told", "parts_of"]

_KINDS = ("image", "audio", "video")
OVER = frozenset(
    {
        TaskState.TASK_STATE_COMPLETED,
        TaskState.TASK_STATE_FAILED,
        TaskState.TASK_STATE_CANCELED,
        TaskState.TASK_STATE_REJECTED,
        TaskState.TASK_STATE_INPUT_REQUIRED,
        TaskState.TASK_STATE_AUTH_REQUIRED,
    }
)
"""States in which nothing comes any more, unless somebody says something."""


def parts_of(messages: Sequence[Msg]) -> list[Part]:
    """Return messages as the parts of one; where there are several, each says whose it is.

    Raises:
        UsageError: there is nothing in them that could be sent.
    """
    parts: list[Part] = []
    for message in messages:
        whose = f"{message.name}: " if len(messages) > 1 else ""
        blocks = message.get_content_blocks()
        made = (_part(block, whose) for block in blocks)
        parts += [part for part in made if part is not None] if blocks else _plain(message, whose)
    if not parts:
        raise UsageError("there is nothing to send: an A2A agent is asked with a message")
    return parts


def _plain(message: Msg, whose: str) -> list[Part]:
    content = message.content
    if content in (None, "", []):
        return []
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=str)
    return [Part(text=_text(whose + text))]


def _part(block: dict[str, Any], whose: str) -> Part | None:
    kind = block["type"]
    if kind == "text":
        return Part(text=_text(whose + str(block["text"]))) if block["text"] else None
    source = block.get("source")
    if not isinstance(source, dict):
        return None  # thoughts, and calls of tools, are its own
    if source.get("type") == "base64":
        try:
            raw = base64.b64decode(source.get("data", ""), validate=True)
        except (ValueError, binascii.Error):
            raise UsageError(f"the {kind} in a message is no base64") from None
        return Part(raw=raw, media_type=str(source.get("media_type", "")))
    url = str(source.get("url", ""))
    if not url.lower().startswith(("http://", "https://")):
        raise UsageError(f"a {kind} is sent as itself, or as a web address")
    return Part(url=url, media_type=f"{kind}/*" if kind in _KINDS else "")


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # half of a surrogate pair is none


class Told:
    """What is told of a task so far."""

    def __init__(self) -> None:
        self.task_id = self.context_id = self.why = ""
        self.state: int = TaskState.TASK_STATE_UNSPECIFIED
        self._artifacts: dict[str, list[dict[str, Any]]] = {}
        self._last: list[dict[str, Any]] = []
        """What stands in the status, which is the answer where there is no artifact."""
        self._message = False

    @property
    def over(self) -> bool:
        """Does nothing more come?"""
        return self._message or self.state in OVER

    def content(self) -> Any:
        """Return a text where that is all, else blocks."""
        blocks = [block for said in self._artifacts.values() for block in said]
        blocks = blocks or (self._last if self.over else [])
        if all(block["type"] == "text" for block in blocks):
            return "\n\n".join(block["text"] for block in blocks if block["text"])
        return [block for block in blocks if block.get("text") != ""]

    def take(self, answer: StreamResponse) -> str | None:
        """Take one event; return the piece of text that is new, "" for other news, None for none."""
        if answer.HasField("task"):
            return self.task(answer.task)
        if answer.HasField("message"):
            return self._whole(answer.message)
        update = answer.artifact_update if answer.HasField("artifact_update") else answer.status_update
        self.task_id, self.context_id = update.task_id, update.context_id
        if answer.HasField("artifact_update"):
            return self._grow(answer.artifact_update.artifact, answer.artifact_update.append)
        self._status(answer.status_update.status)
        return None

    def task(self, task: Task) -> str | None:
        """Take a task as it is now."""
        self.task_id, self.context_id = task.id, task.context_id
        before = self.content()
        self._artifacts = {artifact.artifact_id: _blocks(artifact.parts) for artifact in task.artifacts}
        self._status(task.status)
        after = self.content()
        if after == before or not after:
            return None
        grown = isinstance(after, str) and isinstance(before, str) and after.startswith(before)
        return after[len(before) :] if grown else ""

    def _whole(self, message: Message) -> str:
        self.task_id, self.context_id = message.task_id, message.context_id
        self._artifacts, self._last, self._message = {}, _blocks(message.parts), True
        content = self.content()
        return content if isinstance(content, str) else ""

    def _grow(self, artifact: Artifact, append: bool) -> str | None:
        new, own = _blocks(artifact.parts), artifact.artifact_id
        text = "".join(block["text"] for block in new if block["type"] == "text")
        fresh = own not in self._artifacts
        if fresh or not append:
            self._artifacts[own] = new
        else:
            said = self._artifacts[own]
            if new and said and new[0]["type"] == said[-1]["type"] == "text":
                said[-1]["text"] += new.pop(0)["text"]
            said.extend(new)
        if not text and all(block["type"] == "text" for block in new):
            return None
        if fresh and len(self._artifacts) > 1:
            return f"\n\n{text}"
        return text if fresh or append else ""

    def _status(self, status: TaskStatus) -> None:
        self.state = status.state
        blocks = _blocks(status.message.parts)
        if self.over:
            self._last = blocks
            self.why = "\n".join(block["text"] for block in blocks if block["type"] == "text")


def _blocks(parts: Iterable[Part]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    before = ""
    for part in parts:
        kind = str(part.WhichOneof("content"))
        if kind == before == "text":  # pieces of one text
            blocks[-1]["text"] += part.text
        else:
            blocks.append(_block(part))
        before = kind
    return blocks


def _block(part: Part) -> dict[str, Any]:
    kind = part.WhichOneof("content")
    if kind == "text":
        return {"type": "text", "text": part.text}
    if kind == "data":
        return {"type": "text", "text": json.dumps(get_data_parts([part])[0], ensure_ascii=False)}
    what = part.media_type.partition("/")[0]
    if what not in _KINDS:
        about = part.filename or (part.url if kind == "url" else f"{len(part.raw):,} bytes")
        return {"type": "text", "text": f"[a file: {about}]"}
    if kind == "raw":
        data = base64.b64encode(part.raw).decode()
        return {"type": what, "source": {"type": "base64", "media_type": part.media_type, "data": data}}
    return {"type": what, "source": {"type": "url", "url": part.url}}
