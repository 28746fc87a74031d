"""`StreamedResponse`: the answer of a model that streams, for code of AgentScope 1.x."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ._response import ModelResponse

__all__ = ["StreamedResponse"]


class StreamedResponse(ModelResponse):
    """A response whose first ``await`` gives it back as soon as something of the answer is there.

    So ``async for chunk in await model(messages)`` sees it grow. Awaiting it again, or `whole`, waits for
    all of it; off the background loop so does reading it.
    """

    _begun = False

    def __await__(self) -> Generator[Any, None, ModelResponse]:
        return (self.whole() if self._begun else self._begin_to_arrive()).__await__()

    async def _begin_to_arrive(self) -> ModelResponse:
        request, self._begun = self._request, True
        if request is None:
            return self
        request.hint = "await response.whole()"
        await request.wait(0)
        return await self.whole() if request.done else self
