"""`invocations`: what is sent to models and what comes back, told to those in this process who keep it."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._answer import Answer
    from ._request import Request

__all__ = ["Invocation", "Invocations", "invocations"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request to a model's endpoint: what was sent, without headers, and what came of it.

    ``response`` is the answer as plain data, None where ``error`` says why there is none.
    """

    model: str
    arguments: dict[str, Any]
    response: Any
    error: str
    seconds: float


class Invocations:
    """Those who are told. On the loop, but for `subscribe`, which any thread may call."""

    def __init__(self) -> None:
        self._listeners: tuple[Callable[[Invocation], object], ...] = ()

    def subscribe(self, listener: Callable[[Invocation], object]) -> Callable[[], None]:
        """Call ``listener`` with every request that has ended; return the function that ends this.

        It is called on the background loop and must be quick. Models of the user's own are not told of.
        """
        self._listeners = (*self._listeners, listener)

        def end() -> None:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

        return end

    async def told(self, request: Request, answer: Awaitable[Answer]) -> Answer:
        """Wait for the answer of a request, tell of both, and return it."""
        if not self._listeners:
            return await answer
        begun = time.monotonic()
        try:
            came = await answer
        except Exception as error:
            self._tell(request, None, f"{type(error).__name__}: {error}", begun)
            raise
        self._tell(request, came.text if came.raw is None else came.raw, "", begun)
        return came

    def _tell(self, request: Request, response: Any, error: str, begun: float) -> None:
        if request.asked is None:
            return
        told = Invocation(request.label, request.asked, response, error, time.monotonic() - begun)
        for listener in self._listeners:
            try:
                listener(told)
            except Exception:  # whoever keeps it must not end the request
                log.exception("an invocation of %s could not be kept", request.label)


invocations = Invocations()
"""Those of this process."""
