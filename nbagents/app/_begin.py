"""`begin`: a request as JSON, checked, and its answer begun; whichever protocol it came by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ._answer import Answer
from ._failure import Refusal

if TYPE_CHECKING:
    from ._agent_app import AgentApp

__all__ = ["begin"]


async def begin(app: AgentApp, user: str, body: dict[str, Any], *, patience: float | None = None) -> Answer:
    """Begin the answer to a request of ``/process``. ``user`` is whom the token names, "" if it names nobody.

    Raises:
        Refusal: it is no such request, or it is not answered now.
    """
    try:
        asked = app.request_model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        least = '; the least there is: {"input": [{"content": "hello"}]}' if where == "input" else ""
        raise Refusal(422, "invalid_request", f"{where}: {first['msg']}"[:300] + least) from None
    return await app.answer(asked, user, patience=patience)
