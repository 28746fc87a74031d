"""`ServiceResponse`: what a service function of AgentScope 0.x returns, and its status."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

__all__ = ["ServiceExecStatus", "ServiceResponse"]


class ServiceExecStatus(IntEnum):
    """How a service function ended."""

    SUCCESS = 1
    ERROR = -1


class ServiceResponse(dict[str, Any]):
    """What a service function returns: a dictionary of ``status`` and ``content``, both attributes too.

    A ``note`` is told to the model besides the content: what is left out of it, say.

    >>> answer = ServiceResponse(ServiceExecStatus.SUCCESS, [1, 2])
    >>> answer.status.name, answer["content"]
    ('SUCCESS', [1, 2])
    """

    def __init__(self, status: ServiceExecStatus, content: Any, *, note: str = "") -> None:
        super().__init__(status=ServiceExecStatus(status), content=content)
        self.note = note

    @property
    def status(self) -> ServiceExecStatus:
        """Whether it went well."""
        return ServiceExecStatus(self["status"])

    @property
    def content(self) -> Any:
        """What it gives, or why it failed."""
        return self["content"]

    @property
    def succeeded(self) -> bool:
        """Did it go well?"""
        return self.status is ServiceExecStatus.SUCCESS

    def __str__(self) -> str:
        noted = f"\n({self.note})" if self.note else ""
        return f"[STATUS]: {self.status.name}\n[RESULT]: {self.content}{noted}"
