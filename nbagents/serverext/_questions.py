"""The addresses of questions that agents ask of people: the answer needs no kernel that listens."""

from __future__ import annotations

from typing import Any

from ._handler import AgentsHandler

__all__ = ["Answer", "Questions", "Show"]


class Questions(AgentsHandler):
    """The questions that wait in a server."""

    async def read(self, *place: str) -> Any:
        """List them, the oldest first: all, or those of one ``workspace``."""
        workspace = self.get_query_argument("workspace", None)
        return await self.ask(place[0], lambda client: client.questions(workspace))


class Answer(AgentsHandler):
    """The answer to one of them."""

    async def do(self, *place: str) -> Any:
        """Give it; tell whether the question was still open."""
        server_id, question_id = place
        body = self.body(text=(str, type(None)), fields=(dict, type(None)), absent=(bool,))
        text, fields, absent = body.get("text"), body.get("fields"), body.get("absent", False)
        answered = await self.ask(
            server_id, lambda client: client.answer(question_id, text, fields, absent=absent)
        )
        return {"answered": answered}


class Show(AgentsHandler):
    """Where a page says that it shows one of them."""

    async def do(self, *place: str) -> Any:
        """Note it, for whoever asks; tell whether the question was still open."""
        server_id, question_id = place
        self.body()
        return {"open": await self.ask(server_id, lambda client: client.show_question(question_id))}
