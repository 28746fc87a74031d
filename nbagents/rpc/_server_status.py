"""`ServerStatus`: how an owned server is, as its owner last saw it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ServerStatus"]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """How the server is: ``state`` is "none", "starting", "ready", "failed" or "stopped"."""

    state: str
    server_id: str = ""
    pid: int = 0
    owner: str = ""
    found: bool = False
    """Was it running already?"""
    error: str = ""
