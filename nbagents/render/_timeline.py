"""Who was busy when: bars on a common scale, as a table and as text.

Knows lanes and seconds, not runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ._plain import one_line, seconds
from ._style import color_class
from ._views import LaneView, Span

__all__ = ["Timing", "lane_values", "timeline_html", "timeline_lines", "timing"]

_WAITING = frozenset({"wait", "waiting", "waits"})
_IDLE = _WAITING | {"queued"}
_CLASSES = {"queued": "nba-queued", "tool": "nba-tool", "human": "nba-wait", "stopped": "nba-cutoff"}
_MARKS = {"queued": "▒", "tool": "▚", "human": "░", "stopped": "▞"}
_COLUMNS = 48
_LANES = 30


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a run took, how much work was in it, and whether any of it overlapped."""

    wall: float
    work: float
    overlaps: bool

    def words(self) -> str:
        """Say it in one line.

        >>> Timing(5.0, 12.9, True).words()
        'wall 5.0 s · work 12.9 s · 2.6× parallel'
        """
        text = f"wall {seconds(self.wall)} · work {seconds(self.work)}"
        if self.overlaps and self.wall > 0 and self.work / self.wall >= 1.05:
            text += f" · {self.work / self.wall:.1f}× parallel"
        return text


def timing(lanes: Sequence[LaneView], wall: float | None = None, work: float | None = None) -> Timing:
    """Reckon a run's times from its lanes, where they are not given. Queueing is no work."""
    busy = [[span for span in lane.spans if span[2] not in _IDLE] for lane in lanes]
    ends = [span[1] for lane in lanes for span in lane.spans]
    total = sum(span[1] - span[0] for spans in busy for span in spans)
    return Timing(
        wall=max(ends, default=0.0) if wall is None else wall,
        work=total if work is None else work,
        overlaps=_overlap(busy),
    )


def timeline_html(lanes: Sequence[LaneView], times: Timing, bars: int = 120) -> str:
    """Return the lanes as a figure: a table whose middle column draws what the last one says.

    ``bars`` is how many bars there may be altogether, and four times as many as lanes.
    """
    scale = _scale(lanes, times)
    shown = lanes[: min(_LANES, bars // 4)]
    each = bars // max(len(shown), 1)
    rows = "".join(_row(lane, scale, each) for lane in shown)
    more = f" · {len(lanes) - len(shown)} more agents" if len(lanes) > len(shown) else ""
    return (
        f'<figure class="nba-lanes"><figcaption>{times.words()}{more}</figcaption>'
        '<table><thead><tr><th scope="col"><span class="nba-vh">agent</span></th>'
        f'<th scope="col" class="nba-axis nba-plot">0 s <span class="nba-end">{seconds(scale)}</span></th>'
        '<th scope="col" class="nba-when"><span class="nba-vh">from and to</span></th></tr></thead>'
        f"<tbody>{rows}</tbody></table></figure>"
    )


def lane_values(lanes: Sequence[LaneView], now: float | None = None) -> list[dict[str, object]]:
    """Return the lanes for a page that draws them itself, each span with its class.

    A span that ends ``now`` is still going on: it has no end.
    """
    scale = _scale(lanes, timing(lanes, now))
    values: list[dict[str, object]] = []
    for lane in lanes[:_LANES]:
        spans = [
            [
                round(start, 3),
                None if now is not None and end >= now - 1e-6 else round(end, 3),
                kind,
                _class(kind),
            ]
            for start, end, kind in _merged(lane.spans, scale)[-40:]
        ]
        values.append({"agent": one_line(lane.agent, 20), "color": color_class(lane.color), "spans": spans})
    return values


def timeline_lines(lanes: Sequence[LaneView], times: Timing) -> list[str]:
    """Return the lanes as text, a swimlane for each."""
    scale = _scale(lanes, times)
    shown = lanes[:_LANES]
    names = [one_line(lane.agent, 20) for lane in shown]
    width = max(map(len, names), default=0)
    end = seconds(scale)
    result = [times.words(), f"{'':{width}}  0 s{end:>{_COLUMNS - 3}}"]
    result += [
        f"{name:{width}}  {_drawn(lane.spans, scale)}  {_when(lane.spans)}".rstrip()
        for name, lane in zip(names, shown, strict=True)
    ]
    if len(lanes) > _LANES:
        result.append(f"… {len(lanes) - _LANES} more agents")
    return result


def _overlap(busy: Sequence[Sequence[Span]]) -> bool:
    edges = sorted((span[0], span[1], lane) for lane, spans in enumerate(busy) for span in spans)
    latest: dict[int, float] = {}
    for start, end, lane in edges:
        if any(other != lane and until > start + 1e-3 for other, until in latest.items()):
            return True
        latest[lane] = max(latest.get(lane, end), end)
    return False


def _scale(lanes: Sequence[LaneView], times: Timing) -> float:
    ends = [span[1] for lane in lanes for span in lane.spans]
    return max([times.wall, *ends, 1e-3])


def _row(lane: LaneView, scale: float, most: int) -> str:
    bars = "".join(_bar(span, scale) for span in _merged(lane.spans, scale)[:most])
    name = escape(one_line(lane.agent, 20))
    when = escape(_when(lane.spans)).replace(" s", "\u00a0s")
    return (
        f'<tr class="{color_class(lane.color)}"><th scope="row" dir="auto">{name}</th>'
        f'<td class="nba-plot"><span class="nba-track" aria-hidden="true">{bars}</span></td>'
        f'<td class="nba-when">{when}</td></tr>'
    )


def _merged(spans: Sequence[Span], scale: float) -> list[Span]:
    """Join spans of a kind between which no gap could be seen."""
    result: list[Span] = []
    for span in spans:
        if result and result[-1][2] == span[2] and span[0] - result[-1][1] < scale / 300:
            result[-1] = (result[-1][0], max(result[-1][1], span[1]), span[2])
        else:
            result.append(span)
    return result


def _bar(span: Span, scale: float) -> str:
    left = _percent(span[0], scale)
    width = min(_percent(span[1] - span[0], scale), 100 - left)
    kind = _class(span[2])
    place = f"left:{left:.2f}%;width:{width:.2f}%"
    return f'<span class="nba-bar{" " + kind if kind else ""}" style="{place}"></span>'


def _class(kind: str) -> str:
    return _CLASSES.get(kind, "nba-wait" if kind in _WAITING else "")


def _percent(value: float, scale: float) -> float:
    return min(max(100 * value / scale, 0.0), 100.0)


def _when(spans: Sequence[Span]) -> str:
    """Say when a lane was busy: from and to, and what was not the model's work."""
    if not spans:
        return "–"
    busy = [span for span in spans if span[2] not in _IDLE] or spans
    start, end = min(span[0] for span in busy), max(span[1] for span in busy)
    text = f"{start:.1f}–{end:.1f} s"
    spent = sum(span[1] - span[0] for span in busy)
    if spent < end - start - 0.05:
        text = f"{seconds(spent)} in {text}"
    extra: dict[str, float] = {}
    for start, end, kind in spans:
        if kind not in ("model", "stopped"):
            extra[kind] = extra.get(kind, 0.0) + end - start
    parts = [f"{one_line(kind, 20)} {seconds(total)}" for kind, total in extra.items() if total >= 0.05][:4]
    if any(span[2] == "stopped" for span in spans):
        parts.append("stopped")
    return text + (f" ({', '.join(parts)})" if parts else "")


def _drawn(spans: Sequence[Span], scale: float) -> str:
    cells = [" "] * _COLUMNS
    for start, end, kind in spans:
        first = int(_percent(start, scale) / 100 * (_COLUMNS - 1) + 0.5)
        last = max(int(_percent(end, scale) / 100 * _COLUMNS + 0.5), first + 1)
        mark = _MARKS.get(kind, "·" if kind in _WAITING else "█")
        cells[first:last] = mark * (min(last, _COLUMNS) - first)
    return "".join(cells[:_COLUMNS])
