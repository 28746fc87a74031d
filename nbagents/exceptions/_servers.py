"""What agent servers may do instead of serving."""

from __future__ import annotations

from ._base import NbAgentsError


class AgentServerError(NbAgentsError):
    """The agent server failed, not the agent."""


class AgentServerNotAliveError(AgentServerError, ConnectionError):
    """The agent server cannot be reached, or it went away during the call."""


class ServerLostError(AgentServerNotAliveError):
    """The server died while a call was there. ``hint`` says what to do."""

    server_id = ""
    exit_status = ""
    """How its process ended, for example "killed by signal 9"; "" where this process cannot know."""
    retryable = False
    """Is it safe to make the call again? Only if its caller said so, by ``call_options(retry=True)``."""


class ServerFailedError(AgentServerNotAliveError):
    """The server died again and again, and is not started any more until somebody asks for it."""

    log_lines: tuple[str, ...] = ()
    """The end of its log, keys masked."""


class AgentCreationError(AgentServerError):
    """The server could not make the agent."""


class AgentCallError(AgentServerError):
    """The server refused to make the call."""


class AuthenticationError(AgentServerError, PermissionError):
    """The server refused the token, or none was given."""


class MessageTooLargeError(AgentServerError, ValueError):
    """A message exceeds the wire's limit."""


class ProtocolError(AgentServerError):
    """The other side broke the protocol."""


class VersionMismatchError(AgentServerError):
    """Client and server are of different versions."""
