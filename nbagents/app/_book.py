"""`Book`: the answers under way and those just over. One at a time for each session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from ._answer import Answer
from ._failure import Refusal
from ._record import Record

__all__ = ["Book"]


class Book:
    """Who is being answered. Lives on the loop of the app."""

    def __init__(self, *, patience: float, most: int) -> None:
        self._patience, self._most = patience, most
        self._running: dict[tuple[str, str], Answer] = {}
        self._known: dict[str, Answer] = {}
        self.record = Record()

    @property
    def running(self) -> list[Answer]:
        """The answers under way."""
        return list(self._running.values())

    async def begin(
        self,
        user: str,
        session: str,
        say: Callable[[], AsyncGenerator[Any, None]],
        *,
        patience: float | None = None,
        question: str = "",
    ) -> Answer:
        """Begin an answer. One that nobody reads any more makes room for it.

        Raises:
            Refusal: the session is being answered, or too many are.
        """
        key = (user, session)
        known = self._running.get(key)
        if known is not None and known.orphaned:
            known.cancel()
            await known.ended()
            known = self._running.get(key)
        if known is not None:
            raise Refusal(
                409,
                "session_busy",
                f"the session {session} is being answered; wait for its end, or stop it",
                {"Retry-After": "1"},
            )
        if len(self._running) >= self._most:
            raise Refusal(
                429,
                "overloaded",
                f"{self._most} requests are being answered; try again later",
                {"Retry-After": "1"},
            )
        patience = self._patience if patience is None else patience
        answer = Answer(
            user,
            session,
            say,
            patience=patience,
            over=self._over,
            changed=self.record.changed,
            question=question,
        )
        self._running[key] = self._known[answer.id] = answer
        return answer

    def find(self, user: str, response_id: str) -> Answer:
        """Return the answer of that id. A user of "" is whoever has the one token there is.

        Raises:
            Refusal: there is none, or it is another user's: the two look alike.
        """
        answer = self._known.get(response_id)
        if answer is None or (user and answer.user != user):
            raise Refusal(404, "response_not_found", "there is no such answer, or no longer")
        return answer

    async def stop(self, user: str, session: str) -> bool:
        """Stop what is being answered in a session, and wait for its end. Was there anything that ended?"""
        answer = self._running.get((user, session))
        if answer is None:
            return False
        answer.cancel()
        await answer.ended()
        return answer.done

    def cancel(self, response_id: str) -> None:
        """Stop the answer of that id, if it is under way."""
        answer = self._known.get(response_id)
        if answer is not None and not answer.done:
            answer.cancel()

    async def stop_all(self) -> None:
        """Stop everything, and wait."""
        answers = self.running
        for answer in answers:
            answer.cancel()
        for answer in answers:
            await answer.ended()

    def _over(self, answer: Answer) -> None:
        self._running.pop((answer.user, answer.session), None)
        self.record.over(answer)
        asyncio.get_running_loop().call_later(max(self._patience, 1.0), self._known.pop, answer.id, None)
