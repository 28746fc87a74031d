"""`graph_of`: who spoke to whom in a run, as it was observed, not as it was planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..render import HUB, EdgeView, GraphView, NodeView
from ._record import Record

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["YOU", "graph_of"]

YOU = "you"
"""Who asks from outside: the person at the notebook."""


def graph_of(run: Run) -> GraphView:
    """Return who has spoken to whom in a run so far. Any thread.

    Who asks another agent speaks to it; a hub hears what is said in it.
    """
    with run._lock:
        return _graph(f"run {run.number} · {run.title}", run._records.values(), run.color_of)


def _graph(title: str, records: Iterable[Record], color_of: Callable[[str], int | None]) -> GraphView:
    known = {record.call: record for record in records}
    names: dict[str, None] = {}
    said, edges = Counter[str](), Counter[tuple[str, str]]()
    hearers: dict[str, None] = {}
    for record in known.values():
        if not record.is_reply:
            continue
        for speaker in _speakers(record, known):
            names.setdefault(speaker)
            edges[speaker, record.agent] += 1
        names.setdefault(record.agent)
        said[record.agent] += len(record.messages())
        if record.heard_by and record.messages():
            edges[record.agent, HUB] += len(record.messages())
        hearers |= dict.fromkeys(record.heard_by)
    names |= hearers
    said[YOU] = sum(count for (speaker, _), count in edges.items() if speaker == YOU)
    nodes = [NodeView(name, None if name == YOU else color_of(name), said[name]) for name in names]
    if hearers:
        nodes.append(NodeView(HUB, messages=sum(edges[name, HUB] for name in names), is_hub=True))
    ranked = sorted(edges.items(), key=lambda edge: -edge[1])
    return GraphView(
        title,
        tuple(nodes),
        tuple(EdgeView(speaker, listener, count) for (speaker, listener), count in ranked),
        tuple(name for name in names if not said[name] and name != YOU),
    )


def _speakers(record: Record, known: dict[str, Record]) -> list[str]:
    """Return whose messages a call took; who made it, where it took none of anybody."""
    found = [known[call].agent for call in record.waits_for if call in known]
    found += [YOU if name.lower() in ("user", YOU) else name for name in record.took_from]
    above = known.get(record.parent)
    return list(dict.fromkeys(found)) or ([above.agent] if above is not None else [])
