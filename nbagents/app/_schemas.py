"""What is sent to an app and what comes back, as models that check it. AgentScope Runtime's names.

The app itself makes its events as plain dictionaries, since there are many; these classes are for
whoever reads them: ``AgentResponse.model_validate(event)``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from ._names import ContentType, MessageType, RunStatus

__all__ = [
    "AgentRequest",
    "AgentResponse",
    "Content",
    "DataContent",
    "ImageContent",
    "Message",
    "TextContent",
]

MOST_MESSAGES = 1000
"""Messages of one request."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""An id that a client chooses: of a user, or of a session."""


class _Told(BaseModel):
    """What every event has."""

    model_config = ConfigDict(extra="allow")

    sequence_number: int | None = None
    status: str = RunStatus.Created
    error: dict[str, Any] | None = None


class Content(_Told):
    """A part of a message. What it holds beside this depends on ``type``."""

    object: Literal["content"] = "content"
    type: str = ContentType.TEXT
    index: int | None = None
    delta: bool | None = False
    msg_id: str | None = None


class TextContent(Content):
    """A text, or with ``delta`` the next piece of it."""

    text: str = ""


class DataContent(Content):
    """Data: a tool call has ``call_id``, ``name`` and ``arguments`` as JSON text."""

    type: str = ContentType.DATA
    data: dict[str, Any] = Field(default_factory=dict)


class ImageContent(Content):
    """A picture: a web address, or the picture itself as a data URL."""

    type: str = ContentType.IMAGE
    image_url: str = ""


def _as_parts(content: Any) -> Any:
    return [{"type": ContentType.TEXT, "text": content}] if isinstance(content, str) else content


class Message(_Told):
    """One message. A text as its content stands for a list of one text."""

    object: Literal["message"] = "message"
    id: str | None = None
    type: str = MessageType.MESSAGE
    role: Literal["user", "assistant", "system", "tool"] | None = "user"
    name: str | None = None
    content: Annotated[list[dict[str, Any]] | None, BeforeValidator(_as_parts)] = None
    usage: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None

    def text(self) -> str:
        """Return what its texts say, one after the other."""
        return "".join(str(part.get("text", "")) for part in self.content or [] if part.get("type") == "text")


class AgentRequest(BaseModel):
    """What a client asks. Fields of its own are kept.

    ``session_id`` left out is a session of its own; ``user_id`` left out is the session's id.
    """

    model_config = ConfigDict(extra="allow")

    input: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    stream: bool = True
    id: str | None = None
    model: str | None = None
    top_p: float | None = None
    temperature: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    n: Annotated[int, Field(ge=1, le=5)] | None = None
    seed: int | None = None
    tools: list[dict[str, Any]] | None = None
    session_id: Name | None = None
    user_id: Name | None = None


class AgentResponse(_Told):
    """The answer as a whole, at its beginning and at its end."""

    object: Literal["response"] = "response"
    id: str | None = None
    created_at: int | None = None
    completed_at: int | None = None
    output: list[Message] | None = None
    usage: dict[str, Any] | None = None
    session_id: str | None = None
