"""`taped`: a call of a model that is recorded, or answered from a recording. See `nbagents.recording`.

All that asks a model, of whatever kind, asks through this.
"""

from __future__ import annotations

import asyncio
import base64
import time
from array import array
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from .. import events, exceptions, recording
from ..exceptions import CallCancelledError, ModelError, RecordingError, UsageError
from ._answer import Answer
from ._completion import Completion
from ._request import Request
from ._usage import ModelUsage

__all__ = ["taped"]

PROVIDER = "nbagents.replay"
"""Who serves what a replay is answered, as telemetry is told."""


async def taped(request: Request, operation: str, given: Any, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask once, by ``ask``, and record what comes; in a replay return what came then. On the loop.

    ``given`` is what the model is told. Recorded are the pieces of the text as they came, the message, the
    text and the content where they are others, what was made of it, what it took, embeddings and pictures;
    nothing else of what came.

    Raises:
        ReplayMismatchError: this was not asked when the run was recorded.
    """
    place = recording.here()
    if place is None:
        return await ask()
    asked = recording.asked_of_model(operation, given)
    if place.replays:
        return await _replayed(request, await place.answer(asked))
    first, begun = len(request.pieces), time.monotonic()

    def note(**told: Any) -> None:
        about = {
            "model": request.label,
            "operation": operation,
            "seconds": round(time.monotonic() - begun, 3),
        }
        pieces = [piece for piece in request.pieces[first:] if piece]
        place.note(asked, {**about, "pieces": pieces, **told})

    try:
        with recording.aside():  # a model that asks another one is recorded whole
            answer = await ask()
    except (asyncio.CancelledError, CallCancelledError):
        note(**{recording.STOPPED: True})
        raise
    except Exception as error:  # not its text, which names addresses
        note(**{recording.ERROR: type(error).__name__})
        raise
    told = _told(answer)
    note(**told)
    for what, value in (("parsed", answer.parsed), ("vectors", answer.embedding)):
        if value is not None and told.get(what) is None:
            place.tape.miss(f"the {what} of {request.label} cannot be written as JSON, and a replay has none")
    return answer


def _told(answer: Answer) -> dict[str, Any]:
    """Return an answer as a recording holds it."""
    told = _message_in(answer)
    made = _said(told)  # a model of somebody's own may say something else than what its endpoint has said
    told |= {"text": answer.text} if made.text != answer.text else {}
    told |= {"content": answer.content} if made.content != answer.content else {}
    if answer.parsed is not None and _is_plain(answer.parsed):
        told["parsed"] = answer.parsed
    if answer.usage is not None:
        told["usage"] = asdict(answer.usage)
    if answer.image_urls is not None:
        told["images"] = [_without_query(url) for url in answer.image_urls]
    if answer.embedding is not None:
        told["vectors"] = _packed(answer.embedding)
    return told


async def _replayed(request: Request, told: Mapping[str, Any]) -> Answer:
    """Say what was said then, piece by piece, and return the answer, or raise what was raised."""
    model, date = str(told.get("model") or "a model"), str(told["recorded"])
    request.label = recording.label_of([model], date)
    events.emit("model", model=request.label, operation=str(told.get("operation", "")), provider=PROVIDER)
    first = len(request.pieces)

    def blocks() -> list[dict[str, Any]]:
        return [{"type": "text", "text": "".join(request.pieces[first:])}]

    for piece in told.get("pieces") or ():
        request.say(piece, blocks)
        await asyncio.sleep(0)  # others have their turn, and whoever reads it sees it grow
    _check(request.label, told)
    usage = _usage(told.get("usage"))
    if usage is not None:  # what it took then; nothing is spent now
        events.emit("usage", model=request.label, cost=0.0, **asdict(usage))
    images = told.get("images")
    return replace(
        _said(told),
        usage=usage,
        parsed=told.get("parsed"),
        image_urls=[str(url) for url in images] if isinstance(images, list) else None,
        embedding=_unpacked(told),
    )


def _message_in(answer: Answer) -> dict[str, Any]:
    """Return the message of a chat model's answer, where it says what the answer says; else nothing."""
    choices = answer.raw.get("choices") if isinstance(answer.raw, Mapping) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping) or not isinstance(choice.get("message"), Mapping):
        return {}
    told = {"message": dict(choice["message"]), "finish_reason": choice.get("finish_reason")}
    try:
        return told if _said(told).text == answer.text else {}
    except RecordingError:
        return {}


def _said(told: Mapping[str, Any]) -> Answer:
    """Return the text and the content that a recording holds."""
    made, message = Answer(), told.get("message")
    if isinstance(message, Mapping):
        completion = Completion()
        choice = {"index": 0, "message": dict(message), "finish_reason": told.get("finish_reason")}
        try:
            completion.add({"choices": [choice]})
            made = Answer(text=completion.text, content=completion.blocks(), raw=completion.raw())
        except ValueError as error:
            raise RecordingError(f"a recorded message is none of a chat model: {error}") from None
    text, content = told.get("text", made.text), told.get("content", made.content)
    return replace(made, text=text if isinstance(text, str) else None, content=content)


def _is_plain(value: Any) -> bool:
    try:
        return bool(recording.plain(value) == value)
    except Exception:  # noqa: BLE001  # a value of somebody's own may do anything
        return False


def _check(label: str, told: Mapping[str, Any]) -> None:
    """Raise what the call ended with then, if it had no answer."""
    recording.check_answered(f"{label}: this call", told)
    if (name := told.get(recording.ERROR)) is not None:
        kind = getattr(exceptions, name, None) if name in exceptions.__all__ else None
        known: type[Exception] = ModelError
        if isinstance(kind, type) and (kind is UsageError or issubclass(kind, ModelError)):
            known = kind
        raise known(f"{label}: this call failed when it was recorded, with {name}")


def _usage(told: Any) -> ModelUsage | None:
    if not isinstance(told, Mapping):
        return None
    return replace(ModelUsage.reported(told), estimated=bool(told.get("estimated")))


def _without_query(url: str) -> str:
    """Return the address of a picture without what may let one in; one that holds the picture as it is."""
    return url if url.startswith("data:") else url.partition("?")[0].partition("#")[0]


def _packed(vectors: Any) -> Any:
    """Return vectors as float32 in base64, a third of what they are in digits."""
    try:
        return [base64.b64encode(array("f", vector).tobytes()).decode("ascii") for vector in vectors]
    except (TypeError, ValueError, OverflowError):
        return None


def _unpacked(told: Mapping[str, Any]) -> Any:
    packed = told.get("vectors")
    if not isinstance(packed, list):
        return None
    try:
        return [array("f", base64.b64decode(str(text), validate=True)).tolist() for text in packed]
    except ValueError as error:
        raise RecordingError(
            f"{told.get('file')}: a recorded vector is damaged: {error}", hint=recording.again(told)
        ) from None
