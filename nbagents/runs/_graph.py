"""`graph_of`: who spoke to whom in a run, as it was observed, not as it was planned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..render import HUB, EdgeView, GraphView, NodeView, RowView
from ._letters import Letters, shown
from ._record import Record

if TYPE_CHECKING:
    from ._run import Run

__all__ = ["YOU", "graph_of"]

YOU = "you"
"""Who asks from outside: the person at the notebook."""
ROWS = 400
"""Rows that one of them has, the last ones: a page shows no more."""
TOPIC = "#"
"""What the names of topics begin with here; no agent's does."""


def graph_of(run: Run) -> GraphView:
    """Return who has spoken to whom in a run so far. Any thread.

    Who asks another agent speaks to it; a hub hears what is said in it.
    """
    with run._lock:
        title = f"run {run.number} · {run.title}" if run.title else f"run {run.number}"
        told = [entry.key for entry in run._entries if isinstance(entry, RowView)]
        return _graph(title, run._records.values(), run.color_of, run._letters, told)


def _graph(
    title: str,
    records: Iterable[Record],
    color_of: Callable[[str], int | None],
    letters: Letters,
    told: list[str],
) -> GraphView:
    known = {record.call: record for record in records}
    names: dict[str, None] = {}
    said, edges = Counter[str](), Counter[tuple[str, str]]()
    hearers: dict[str, None] = {}
    rows = defaultdict[str | tuple[str, str], list[str]](list)
    rows[YOU] = told
    for record in known.values():
        if not record.is_reply:
            continue
        for speaker in _speakers(record, known):
            names.setdefault(speaker)
            edges[speaker, record.agent] += 1
            words = [call for call in record.waits_for if call in known and known[call].agent == speaker]
            rows[speaker, record.agent] += words or [record.call]
        names.setdefault(record.agent)
        said[record.agent] += len(record.messages())
        rows[record.agent] += [*(f"{record.call}.{n}" for n in range(len(record.asides()))), record.call]
        if record.heard_by and record.messages():
            edges[record.agent, HUB] += len(record.messages())
            rows[record.agent, HUB].append(record.call)
            rows[HUB].append(record.call)
        hearers |= dict.fromkeys(record.heard_by)
    names |= hearers
    colors = _letters(letters, color_of, names, said, edges)
    said[YOU] = sum(count for (speaker, _), count in edges.items() if speaker == YOU)
    colored = {name: None if name == YOU else colors.get(name, color_of(name)) for name in names}
    nodes = [
        NodeView(name, color, said[name], is_asker=name == YOU, rows=_last(rows[name]))
        for name, color in colored.items()
    ]
    nodes += [NodeView(_topic(topic), messages=n, is_topic=True) for topic, n in letters.topics.items()]
    if hearers:
        heard = sum(edges[name, HUB] for name in names)
        nodes.append(NodeView(HUB, messages=heard, is_hub=True, rows=_last(rows[HUB])))
    ranked = sorted(edges.items(), key=lambda edge: -edge[1])
    return GraphView(
        title,
        tuple(nodes),
        tuple(EdgeView(*pair, count, _last(rows[pair])) for pair, count in ranked),
        tuple(name for name in names if not said[name] and name != YOU),
    )


def _last(rows: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rows))[-ROWS:]


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
