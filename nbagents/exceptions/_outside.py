"""What may happen where our programs meet others."""

from __future__ import annotations

from ._base import NbAgentsError


class FetchError(NbAgentsError):
    """What is behind an address of the web could not be had; the message names its host, never the rest."""


class FetchRefusedError(FetchError, PermissionError):
    """The address is none of the public web: nobody was asked. The message does not tell what is there."""


class ToolServerError(NbAgentsError, ConnectionError):
    """An MCP server does not answer, or not in time, or has not begun."""


class A2AError(NbAgentsError):
    """An agent of others, asked by the protocol A2A, did not answer as asked."""


class A2AUnavailableError(A2AError, ConnectionError):
    """Nobody answers there, it is not A2A, or the connection broke."""


class A2ARefusedError(A2AError, PermissionError):
    """It does not let us in, or its card or its answer leads where we do not follow."""


class A2ATimeoutError(A2AError, TimeoutError):
    """It has not finished within the time that its answer may take, and was told to stop."""


class A2ATaskError(A2AError, RuntimeError):
    """Its task failed, or was cancelled or rejected there. The message has what it says of that."""


class SandboxError(NbAgentsError):
    """This machine has no sandbox that is good enough, or it could not be made. Nothing has run."""


class DeploymentError(NbAgentsError, RuntimeError):
    """An app does not start in a process of its own, or does not end; with the end of its log."""
