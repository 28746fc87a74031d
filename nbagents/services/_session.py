"""`Session`: a conversation of one user, as a service hands it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..message import Msg

__all__ = ["Session"]


@dataclass
class Session:
    """A copy of what a service keeps of one session: changing it changes nothing there.

    ``messages`` has the oldest first: each a `Msg`, or a dictionary where one was appended.
    """

    id: str
    user_id: str
    messages: list[Msg | dict[str, Any]] = field(default_factory=list)
