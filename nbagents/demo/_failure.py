"""Errors in the shape that OpenAI's API gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Failure"]


class Failure(Exception):
    """A request that ends in an error.

    Attributes:
        status: The HTTP status.
        body: The JSON body.
        headers: Headers that go with it.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "error": {"message": message, "type": kind, "param": param, "code": code}
        }
        self.headers = dict(headers or {})

    @classmethod
    def unknown_model(cls, name: str) -> Failure:
        """Return the error for a model that is not there."""
        return cls(
            404,
            f"The model `{name[:80]}` does not exist or you do not have access to it.",
            code="model_not_found",
        )

    @classmethod
    def rate_limited(cls) -> Failure:
        """Return the refusal that asks to try again at once."""
        return cls(
            429,
            "Rate limit reached for demo-flaky: it refuses each conversation once. Please try again.",
            kind="requests",
            code="rate_limit_exceeded",
            headers={"retry-after": "0", "retry-after-ms": "20"},
        )

    @classmethod
    def broken(cls) -> Failure:
        """Return the failure of the model that always fails; trying again is no use."""
        return cls(
            500,
            "The server had an error while processing your request: demo-error always fails.",
            kind="server_error",
            headers={"x-should-retry": "false"},
        )
