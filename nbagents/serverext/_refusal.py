"""What a page is told when it does not get what it asked for: what is wrong, and nothing of this machine."""

from __future__ import annotations

import re
from typing import Any

from ..config import redact
from ..exceptions import (
    AgentNotFoundError,
    AgentServerError,
    AgentServerNotAliveError,
    MessageTooLargeError,
    NbAgentsError,
    ProtocolError,
    RunNotFoundError,
    UsageError,
)
from ._fleet import UnknownServerError

__all__ = ["GoneError", "body_of", "body_of_status", "status_of"]

LONGEST = 2000
_PATH = re.compile(r"(?<![\w./:])(?:unix:)?(?:[A-Za-z]:)?(?:[/\\][^\s/\\'\",;:()]+){2,}[/\\]?")
_SPOKEN: dict[int, tuple[str, str]] = {
    400: ("UsageError", "the request cannot be read"),
    401: ("AuthenticationError", "Jupyter does not know who asks: log in"),
    403: (
        "AuthenticationError",
        "Jupyter does not let this request in: it needs a login with the right to do this, and the value of"
        " the cookie _xsrf in the header X-XSRFToken",
    ),
    404: ("UsageError", "there is nothing at this address"),
    405: ("UsageError", "this cannot be done at this address"),
    413: ("MessageTooLargeError", "the body of the request is too large"),
    415: ("UsageError", "the body of a request is JSON, and its Content-Type application/json"),
    504: ("AgentServerNotAliveError", "the agent server did not answer in time"),
}


class GoneError(UsageError):
    """What the address names is not there, or not any more."""


def status_of(error: NbAgentsError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, UnknownServerError | AgentNotFoundError | RunNotFoundError | GoneError):
        return 404
    if isinstance(error, MessageTooLargeError):
        return 413
    if isinstance(error, UsageError | ProtocolError):  # the server reads what the page has written
        return 400
    if isinstance(error, AgentServerNotAliveError):
        return 503
    return 502 if isinstance(error, AgentServerError) else 500


def body_of(error: NbAgentsError) -> dict[str, Any]:
    """Return the body of the answer for an error, without paths, keys and tracebacks.

    >>> from nbagents.exceptions import AgentServerError
    >>> body_of(AgentServerError("nobody listens at unix:/run/user/0/nbagents/1.s"))["error"]["message"]
    'nobody listens at …'
    """
    kind = type(error)
    if kind in (GoneError, UnknownServerError):  # known here alone
        kind = kind.__bases__[0]
    return {
        "error": {
            "type": kind.__name__,
            "message": _spoken(str(error)),
            "hint": _spoken(error.hint) if error.hint else None,
        }
    }


def body_of_status(status: int) -> dict[str, Any]:
    """Return the body of the answer for a status that Jupyter itself decides on."""
    kind, message = _SPOKEN.get(status, ("InternalError", "this did not work; the log of Jupyter says why"))
    return {"error": {"type": kind, "message": message, "hint": None}}


def _spoken(text: str) -> str:
    return _PATH.sub("…", redact(text))[:LONGEST]
