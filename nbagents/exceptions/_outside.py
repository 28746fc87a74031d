"""What may happen where our programs meet others."""

from __future__ import annotations

from ._base import NbAgentsError


class FetchError(NbAgentsError):
    """What is behind an address of the web could not be had; the message names its host, never the rest."""


class FetchRefusedError(FetchError, PermissionError):
    """The address is none of the public web: nobody was asked. The message does not tell what is there."""


class ToolServerError(NbAgentsError, ConnectionError):
    """An MCP server does not answer, or not in time, or has not begun."""


class SandboxError(NbAgentsError):
    """This machine has no sandbox that is good enough, or it could not be made. Nothing has run."""


class DeploymentError(NbAgentsError, RuntimeError):
    """An app does not start in a process of its own, or does not end; with the end of its log."""
