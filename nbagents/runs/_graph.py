"""`graph_of`: who spoke to whom in a run, as it was observed, not as it was planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..render import HUB, EdgeView, GraphView, NodeView
from ._letters import Letters, shown
from ._record import Record

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["YOU", "graph_of"]

YOU = "you"
"""Who asks from outside: the person at the notebook."""
TOPIC = "#"
"""What the names of topics begin with here; no agent's does."""


def graph_of(run: Run) -> GraphView:
    """Return who has spoken to whom in a run so far. Any thread.

    Who asks another agent speaks to it; a hub hears what is said in it.
    """
    with run._lock:
        title = f"run {run.number} · {run.title}" if run.title else f"run {run.number}"
        return _graph(title, run._records.values(), run.color_of, run._letters)


def _graph(
    title: str, records: Iterable[Record], color_of: Callable[[str], int | None], letters: Letters
) -> GraphView:
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
    colors = _letters(letters, color_of, names, said, edges)
    said[YOU] = sum(count for (speaker, _), count in edges.items() if speaker == YOU)
    nodes = [
        NodeView(name, None if name == YOU else colors.get(name, color_of(name)), said[name])
        for name in names
    ]
    nodes += [NodeView(_topic(topic), messages=n, is_topic=True) for topic, n in letters.topics.items()]
    if hearers:
        nodes.append(NodeView(HUB, messages=sum(edges[name, HUB] for name in names), is_hub=True))
    ranked = sorted(edges.items(), key=lambda edge: -edge[1])
    return GraphView(
        title,
        tuple(nodes),
        tuple(EdgeView(speaker, listener, count) for (speaker, listener), count in ranked),
        tuple(name for name in names if not said[name] and name != YOU),
    )


def _letters(
    letters: Letters,
    color_of: Callable[[str], int | None],
    names: dict[str, None],
    said: Counter[str],
    edges: Counter[tuple[str, str]],
) -> dict[str, int]:
    """Add those who sent and handled typed messages; return their colours."""
    colors = letters.colors(color_of, len(names))
    for (speaker, listener), count in letters.edges.items():
        pair = [
            _topic(name) if name in letters.topics else shown(name) or YOU for name in (speaker, listener)
        ]
        names |= {name: None for name in pair if not name.startswith(TOPIC)}
        edges[pair[0], pair[1]] += count
    for name, count in letters.sent.items():
        if name:
            said[shown(name)] += count
    return {shown(agent): color for agent, color in colors.items()}


def _topic(name: str) -> str:
    return TOPIC + shown(name)


def _speakers(record: Record, known: dict[str, Record]) -> list[str]:
    """Return whose messages a call took; who made it, where it took none of anybody."""
    found = [known[call].agent for call in record.waits_for if call in known]
    found += [YOU if name.lower() in ("user", YOU) else name for name in record.took_from]
    above = known.get(record.parent)
    return list(dict.fromkeys(found)) or ([above.agent] if above is not None else [])
