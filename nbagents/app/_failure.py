"""`Refusal`: a request that is not served; and what a client is told of an error."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from ..config import redact

__all__ = ["Refusal", "error_of", "failure_of", "refuse_what_is_not_done", "unserved"]

MOST = 300
"""Characters of an exception's text that a client is told."""
_PATH = re.compile(r"(?<![\w:/.])(?:/|[A-Za-z]:\\)[\w.\-+@ ]*(?:[/\\][\w.\-+@]+)+")


class Refusal(Exception):
    """A request that ends here: the HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def details(self) -> dict[str, str]:
        """Return what a program may want to know beside the code, where a protocol has room for it."""
        wait = self.headers.get("Retry-After")
        return {"status": str(self.status), **({} if wait is None else {"retryAfter": wait})}

    def response(self) -> JSONResponse:
        """Return it as HTTP."""
        return JSONResponse({"error": error_of(self.code, self.message)}, self.status, self.headers)


def unserved(error: HTTPException, method: str, path: str) -> Refusal:
    """Return what is told of an address that there is not, or not for that method."""
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return Refusal(
            404, "not_found", f"there is nothing at {path[:200]}; GET / lists what there is", headers
        )
    if error.status_code == 405:
        allowed = headers.get("Allow", "another method")
        return Refusal(
            405, "method_not_allowed", f"{path[:200]} is not for {method}, but for {allowed}", headers
        )
    return Refusal(error.status_code, "http_error", error.detail or "http_error", headers)


def refuse_what_is_not_done(body: dict[str, Any], fields: Iterable[str]) -> None:
    """Refuse a request with fields that would change its meaning and that no app follows.

    Raises:
        Refusal: it has one; the message names it.
    """
    for field in fields:
        if body.get(field) not in (None, [], "auto", "none", "disabled", False, {"type": "text"}):
            raise Refusal(
                400, "unsupported_parameter", f"{field}: an app does not take it; its agents have their own"
            )


def error_of(code: str, message: str, error_id: str = "") -> dict[str, Any]:
    """Return an error as clients read it. OpenAI's SDK shows ``message``."""
    return {"code": code, "message": message, "id": error_id or secrets.token_hex(8)}


def failure_of(error: BaseException) -> tuple[str, str]:
    """Return the code and the sentence that a client is told of what the user's own code raised.

    One line, without keys, without paths of this machine, and never a traceback.

    >>> failure_of(RuntimeError("no /etc/ssh/ssh_host_key, and sk-0123456789abcdef"))
    ('AGENT_UNKNOWN_ERROR', 'Unknown agent error: RuntimeError: no …, and sk-…cdef')
    """
    code = getattr(error, "code", None)
    text = redact(" ".join(str(error).split())[: 4 * MOST])
    text = _PATH.sub("…", text)
    if len(text) > MOST:
        text = text[:MOST] + "…"
    if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", code):
        return code, text or type(error).__name__
    return "AGENT_UNKNOWN_ERROR", f"Unknown agent error: {type(error).__name__}" + (
        f": {text}" if text else ""
    )
