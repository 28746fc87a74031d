"""`taped`: a call of a tool that is recorded, or answered from a recording. See `nbagents.recording`.

In a replay nothing is called: what a tool does to the world is done once, when it is recorded. What was
recorded is the whole way through policy, person and tool: its answer may be that it was not allowed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from .. import recording
from ..recording import Place
from ._approve import Passage
from ._response import ToolResponse

__all__ = ["taped"]

_SAID = {"person": "approved", "edited": "edited", "run": "granted"}
"""How a person has allowed a call, by what the audit says of it."""


async def taped(
    answers: AsyncGenerator[ToolResponse, None], call: Mapping[str, Any], passage: Passage
) -> AsyncGenerator[ToolResponse, None]:
    """Yield the ``answers`` of a call, which begins with the first, and record the last; or yield that.

    Raises:
        ReplayMismatchError: this was not called when the run was recorded.
    """
    place = recording.here()
    if place is None:
        async for answer in answers:
            yield answer
        return
    asked = recording.asked_of_tool(passage.tool, call.get("input") or call.get("raw_input") or {})
    if place.replays:
        yield _replayed(await place.answer(asked), passage)
        return
    last: ToolResponse | None = None
    try:
        while True:
            with recording.aside():  # what the tool asks of models and people is part of its answer
                try:
                    last = await anext(answers)
                except StopAsyncIteration:
                    break
            yield last
    finally:
        _note(place, asked, last, passage)


def _note(place: Place, asked: recording.Asked, last: ToolResponse | None, passage: Passage) -> None:
    if last is None or not last.is_last:
        place.note(asked, {"state": "stopped", recording.STOPPED: True})
        return
    state = "denied" if passage.denied else "error" if last.is_error else "done"
    told: dict[str, Any] = {"tool": passage.tool, "state": state, "content": list(last.content)}
    told |= {"source": last.source} if last.source else {}
    told |= {"metadata": last.metadata} if last.metadata else {}
    told |= {"approval": _SAID[passage.decision]} if passage.decision in _SAID else {}
    place.note(asked, told)


def _replayed(told: Mapping[str, Any], passage: Passage) -> ToolResponse:
    recording.check_answered(f"this call of {passage.tool}", told)
    state = str(told.get("state") or "done")
    passage.decision = "denied" if state == "denied" else ""
    approval = str(told.get("approval") or "")
    said = f"replayed {approval}" if approval in _SAID.values() else "replayed"
    passage.tell(said, recorded=told["recorded"])
    metadata = told.get("metadata")
    return ToolResponse(
        list(told.get("content") or []),
        dict(metadata) if isinstance(metadata, Mapping) else None,
        is_error=state != "done",
        source=str(told.get("source") or ""),
    )
