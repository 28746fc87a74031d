"""Make the rows and lanes of a run's card out of its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..exceptions import CallTimeoutError
from ..models import DEMO_MODELS
from ..render import FoldView, LaneView, RowView, Span, attached, split_content
from ._failure import error_view
from ._letters import Letters
from ._record import Record

__all__ = ["lanes", "record_rows"]

ColorOf = Callable[[str], "int | None"]


def record_rows(
    record: Record, known: Sequence[Record], color_of: ColorOf, now: float, *, live: bool, why: str
) -> list[RowView]:
    """Return the rows of one call: what it showed on the way, then its reply.

    ``known`` are all calls of the run, ``why`` says how those that were stopped were.
    """
    if not record.is_reply and record.state != "failed":
        return []
    model, is_demo = record.model, record.model in DEMO_MODELS
    replies = record.messages()
    color = color_of(record.agent)
    rows = []
    for number, shown in enumerate(record.asides()):
        said, folds = split_content(shown.content)
        key = f"{record.call}.{number}"
        rows.append(
            RowView(
                shown.name,
                said,
                color,
                model=model,
                is_demo=is_demo,
                key=key,
                folds=folds,
                attached=attached(shown.url, shown.content),
            )
        )
    extra: tuple[FoldView, ...] = ()
    things: tuple[str, ...] = ()
    if record.state == "done" and replies:
        parts = [split_content(reply.content) for reply in replies]
        text = "\n\n".join(said for said, _ in parts)
        extra = tuple(fold for _, found in parts for fold in found)
        things = tuple(each for reply in replies for each in attached(reply.url, reply.content))
    elif record.state == "done" and record.message is not None:
        text = str(record.message)
    else:
        text = record.text()
    carried = _carried(record, known)
    failed = record.error if record.state == "failed" and not carried else None
    rows.append(
        RowView(
            record.agent,
            text,
            color,
            "stopped" if carried and record.started_at is None else record.state,
            _elapsed(record, now),
            record.tokens,
            model,
            is_demo,
            error=error_view(record.agent, failed) if failed is not None else None,
            printed="".join(record.printed),
            note=carried or _note(record, known, text, why),
            live=live and not record.over,
            key=record.call,
            folds=(*_tool_folds(record), *extra),
            attached=tuple(dict.fromkeys((*attached(record.tools.pictures), *things))),
            began=None if record.over else _began(record),
        )
    )
    return rows


def _tool_folds(record: Record) -> Iterator[FoldView]:
    for call in record.tools.calls:
        took = None if call.ended is None else call.ended - call.began
        yield FoldView.of_call(call.name, call.arguments, call.output, call.state, took, call.approval)
    if record.tools.missed:
        yield FoldView("call", f"… {record.tools.missed} more", state="done")


def lanes(
    records: Iterable[Record], color_of: ColorOf, start: float, now: float, letters: Letters
) -> tuple[LaneView, ...]:
    """Return when each agent was busy, in seconds since ``start``, in the order of first calls.

    Those of whom typed messages tell come after.
    """
    spans: dict[str, list[Span]] = {}
    for record in records:
        if record.is_reply:
            found = ((a - start, b - start, kind) for a, b, kind in record.spans(now))
            spans.setdefault(record.agent, []).extend(found)
    called = [LaneView(agent, color_of(agent), tuple(sorted(each))) for agent, each in spans.items()]
    return (*called, *letters.lanes(start, letters.colors(color_of, len(called))))


def _elapsed(record: Record, now: float) -> float:
    return max((record.ended_at if record.ended_at is not None else now) - _began(record), 0.0)


def _began(record: Record) -> float:
    return record.started_at if record.started_at is not None else record.queued_at


def _note(record: Record, known: Sequence[Record], text: str, why: str) -> str:
    if record.state == "waiting":
        awaited = _awaited(record, known)
        return f"waiting for {', '.join(awaited)}" if awaited else ""
    if record.state == "stopped":
        why = _how(record) or why
        if record.started_at is None:
            return f"{why} before its turn"
        kept = " · partial text kept" if text else ""
        return f"{why} after {(record.ended_at or 0) - record.started_at:.1f} s{kept}"
    if record.state == "done" and record.heard_by:
        return f"heard by {', '.join(record.heard_by)}"
    return ""


def _how(record: Record) -> str:
    """Say how a call was stopped, where its error tells."""
    how = str(record.error).rpartition(" was ")[2]
    return how if how.startswith("stopped ") else ""


def _awaited(record: Record, known: Sequence[Record]) -> list[str]:
    return [other.agent for other in known if other.call in record.waits_for and not other.over]


def _carried(record: Record, known: Sequence[Record]) -> str:
    """Say whose failure it is that ended this call, if it is another's; the other's row tells it."""
    error = record.error
    if record.state != "failed" or error is None:
        return ""
    for other in known:
        if other is record or other.error is None or other.state != "failed":
            continue
        same = type(other.error) is type(error) and str(other.error) == str(error)
        linked = other in record.children or other.call in record.waits_for or record.started_at is None
        passed_on = other.error is error and _order(other) < _order(record)
        if passed_on or (same and linked and other.started_at is not None):
            return f"{'not asked' if record.started_at is None else 'ended'}: {other.agent} failed"
    if record.started_at is None and isinstance(error, CallTimeoutError):
        return "not asked: the time was up before its turn"
    return ""


def _order(record: Record) -> tuple[float, bool]:
    return record.ended_at or 0.0, record.started_at is None
