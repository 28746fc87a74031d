"""The words of the protocol: what an answer, a message and a part of one may be. AgentScope Runtime's."""

from __future__ import annotations

__all__ = ["ContentType", "MessageType", "Role", "RunStatus"]


class RunStatus:
    """How far something is."""

    Created = "created"
    InProgress = "in_progress"
    Completed = "completed"
    Canceled = "canceled"
    Failed = "failed"
    Rejected = "rejected"
    Unknown = "unknown"
    Queued = "queued"
    Incomplete = "incomplete"


class MessageType:
    """What a message of an answer is."""

    MESSAGE = "message"
    REASONING = "reasoning"
    PLUGIN_CALL = "plugin_call"
    PLUGIN_CALL_OUTPUT = "plugin_call_output"
    ERROR = "error"


class ContentType:
    """What a part of a message is."""

    TEXT = "text"
    DATA = "data"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"
    REFUSAL = "refusal"


class Role:
    """Who says a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"
