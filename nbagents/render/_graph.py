"""Who spoke to whom: circles and arrows, a list that says the same, and as text.

Knows names and counts, not runs. Agents stand on a circle in the order of their first word, so that nothing
moves when more is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2s
from html import escape

from ._frame import fragment
from ._plain import one_line
from ._style import color_class

__all__ = [
    "HUB",
    "EdgeView",
    "GraphView",
    "NodeView",
    "graph_figure",
    "graph_html",
    "graph_lines",
    "graph_picks",
    "graph_text",
]

HUB = "hub"
"""What stands for all who hear each other: drawn as a ring."""
WIDTH, HEIGHT, MOST = 480, 340, 30
_PAIRS = (4 * MOST, 60, 40, 24, 12, 6, 0)
_RADIUS, _TOPIC, _ACROSS, _DOWN = 17.0, 9.0, 185.0, 115.0
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class NodeView:
    """Somebody who spoke, or heard: an agent, a person, a hub, a topic.

    ``messages`` is how many are from them, or, of a topic, a small ring, were published to it. ``rows`` are
    the keys of those that a run shows. ``is_asker`` is who asks from outside, and has no rows of what it
    asked: a card shows that above them.
    """

    name: str
    color: int | None = None
    messages: int = 0
    is_hub: bool = False
    is_topic: bool = False
    is_asker: bool = False
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EdgeView:
    """How often one has spoken to another; both are names of nodes.

    ``rows`` are the keys of the messages in the run: what was said, or, where no row has that, the answer.
    """

    speaker: str
    listener: str
    count: int
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphView:
    """A run's graph. ``silent`` are the names of those who heard, and said nothing."""

    title: str
    nodes: tuple[NodeView, ...] = ()
    edges: tuple[EdgeView, ...] = ()
    silent: tuple[str, ...] = ()


def graph_html(view: GraphView) -> str:
    """Return the graph as a drawing and as a list, which is enough without the drawing."""
    title = escape(one_line(view.title, 200))
    figure = graph_figure(view, 100_000)
    body = f'<header class="nba-head"><strong class="nba-title">{title}</strong></header>{figure}'
    return fragment("section", "nba-run", body, f"who spoke to whom in {one_line(view.title, 200)}")


def graph_figure(view: GraphView, cap: int, *, picks: bool = False) -> str:
    """Return the drawing and the list without a frame, for a card: at most ``cap`` bytes.

    Where that is too little, those pairs that spoke least are left out, in the end the drawing too. With
    ``picks`` whatever has rows bears its name in `graph_picks`, and is a button in the list: for a page with
    a script that does something about it.
    """
    for pairs in _PAIRS:
        drawing = _drawing(replace(view, edges=view.edges[:pairs]), picks) if pairs else ""
        most = pairs or _PAIRS[-2]
        lists = _buttons(view, most) if picks else _list(map(escape, graph_lines(view, most)))
        figure = f'<figure class="nba-graph">{drawing}{lists}</figure>'
        if len(figure.encode()) <= cap:
            break
    return figure


def graph_picks(view: GraphView) -> dict[str, list[str]]:
    """Return the rows of each edge and each node that has some, by the name that its drawing bears.

    That name is of whom they are and never of another, however their order changes.
    """
    edges = {_pick(edge.speaker, edge.listener): list(edge.rows) for edge in view.edges[: _PAIRS[0]]}
    nodes = {_pick(node.name): list(node.rows) for node in view.nodes[:MOST]}
    return {name: rows for name, rows in (edges | nodes).items() if rows}


def _pick(*names: str) -> str:
    """Return what somebody, or a pair, is called in a page, whatever is in their names."""
    kind = "n" if len(names) == 1 else "e"
    return kind + blake2s("\0".join(names).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _askers(view: GraphView) -> set[str]:
    return {node.name for node in view.nodes if node.is_asker}


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _buttons(view: GraphView, pairs: int) -> str:
    """Return the list for a page that shows the messages of what is chosen, and the names of all."""
    lines, askers = graph_lines(view, pairs), _askers(view)
    items = [
        _button(
            _picked(edge.speaker in askers, edge.speaker, edge.listener),
            line,
            f"{edge.speaker} to {edge.listener}",
        )
        if edge.rows
        else escape(line)
        for edge, line in zip(view.edges[:pairs], lines, strict=False)
    ]
    items += map(escape, lines[len(items) :])
    nodes = [
        _button(
            _picked(node.is_asker, node.name),
            f"{one_line(node.name, 60)}: {len(node.rows)}",
            f"from {node.name}",
        )
        for node in view.nodes[:MOST]
        if node.rows
    ]
    return _list(items) + (f"<p>messages from</p>{_list(nodes)}" if nodes else "")


def _button(picked: str, text: str, which: str) -> str:
    label = escape(f"show the messages {one_line(which, 120)}")
    return f'<button type="button"{picked} title="{label}">{escape(text)}</button>'


def graph_text(view: GraphView) -> str:
    """Return the graph as text, a line for each pair.

    >>> nodes = NodeView("poet", messages=2), NodeView("critic", messages=1)
    >>> print(graph_text(GraphView("run 1", nodes, (EdgeView("poet", "critic", 2),))))
    run 1 · who spoke to whom
    poet → critic: 2
    """
    return "\n".join([f"{one_line(view.title, 200)} · who spoke to whom", *graph_lines(view)])


def graph_lines(view: GraphView, pairs: int = _PAIRS[0]) -> list[str]:
    """Return a line for each pair, those that spoke most first, at most so many."""
    lines = [
        f"{one_line(edge.speaker, 60)} → {one_line(edge.listener, 60)}: {edge.count}"
        for edge in view.edges[:pairs]
    ]
    if len(view.edges) > pairs:
        lines.append(f"… {len(view.edges) - pairs} more pairs")
    if view.silent:
        lines.append("silent so far: " + ", ".join(one_line(name, 60) for name in view.silent[:MOST]))
    return lines or ["nobody has spoken to anybody"]


def _drawing(view: GraphView, picks: bool) -> str:
    shown = view.nodes[:MOST]
    places = _places(shown)
    known = {(edge.speaker, edge.listener) for edge in view.edges}
    most = max((edge.count for edge in view.edges), default=1)
    sizes = {node.name: _size(node, shown) for node in shown}
    colors, askers = {node.name: node.color for node in shown}, _askers(view)
    arrows = "".join(
        _arrow(
            edge,
            places,
            sizes,
            colors,
            most,
            (edge.listener, edge.speaker) in known,
            _picked(edge.speaker in askers, edge.speaker, edge.listener) if picks and edge.rows else "",
        )
        for edge in view.edges
        if edge.speaker in places and edge.listener in places
    )
    circles = "".join(
        _circle(
            node,
            places[node.name],
            sizes[node.name],
            _picked(node.is_asker, node.name) if picks and node.rows else "",
        )
        for node in shown
    )
    more = f" {len(view.nodes) - MOST} more are not drawn." if len(view.nodes) > MOST else ""
    about = escape(f"Who spoke to whom; the list below says the same.{more}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{about}">'
        f"<title>who spoke to whom</title><desc>{about}</desc>{arrows}{circles}</svg>"
    )


def _places(nodes: Sequence[NodeView]) -> dict[str, Point]:
    """Return where each stands: on a circle from the top on; a hub in its middle, with the topics."""
    around = [node.name for node in nodes if not node.is_hub and not node.is_topic]
    within = [node.name for node in nodes if node.is_hub or node.is_topic]
    turn = math.pi / (2 if len(around) != 2 else 1)
    size = 0.0 if len(within) == 1 else 0.42
    return _ring(around, 1.0, turn) | _ring(within, size, turn + math.pi / max(len(around), 1))


def _ring(names: Sequence[str], size: float, start: float) -> dict[str, Point]:
    places = {}
    for number, name in enumerate(names):
        turn = 2 * math.pi * number / len(names) - start
        across, down = size * _ACROSS * math.cos(turn), size * _DOWN * math.sin(turn)
        places[name] = (WIDTH / 2 + across, HEIGHT / 2 - 6 + down)
    return places


def _size(node: NodeView, nodes: Sequence[NodeView]) -> float:
    most = max((each.messages for each in nodes), default=0)
    crowd = max(1.0, len(nodes) / 10)
    if node.is_topic:
        return _TOPIC / crowd
    return (_RADIUS + (8 * node.messages / most if most else 0) + 4 * node.is_hub) / crowd


def _circle(node: NodeView, place: Point, size: float, picked: str) -> str:
    x, y = place
    name = one_line(node.name, 24)
    ring = ' class="nba-hub"' if node.is_hub or node.is_topic else ""
    letter = "" if ring else escape(name[:1].upper())
    said = f"{node.messages} message{'' if node.messages == 1 else 's'}"
    under = y + 4 if node.is_hub else y + size + 14
    below = f'<text class="nba-label" x="{x:.1f}" y="{under:.1f}">{escape(name)}</text>'
    return (
        f'<g class="{color_class(node.color)}"{picked}><title>{escape(name)}: {said}</title>'
        f'<circle{ring} cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"></circle>'
        f'<text class="nba-letter" x="{x:.1f}" y="{y + 5:.1f}">{letter}</text>{below}</g>'
    )


def _arrow(
    edge: EdgeView,
    places: dict[str, Point],
    sizes: dict[str, float],
    colors: dict[str, int | None],
    most: int,
    both_ways: bool,
    picked: str,
) -> str:
    """Return an arrow in its speaker's colour, bent where there is one the other way."""
    (x1, y1), (x2, y2) = places[edge.speaker], places[edge.listener]
    length = math.hypot(x2 - x1, y2 - y1)
    if length < 1:  # to itself: the list has it
        return ""
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    bend = 0.16 * length if both_ways else 0.0
    cx, cy = (x1 + x2) / 2 - uy * bend, (y1 + y2) / 2 + ux * bend
    start = _toward((x1, y1), (cx, cy), sizes[edge.speaker])
    end = _toward((x2, y2), (cx, cy), sizes[edge.listener] + 8)
    tip = _toward((x2, y2), (cx, cy), sizes[edge.listener] + 1)
    dx, dy = (tip[0] - end[0]) * 0.6, (tip[1] - end[1]) * 0.6
    head = (
        f"{tip[0]:.1f},{tip[1]:.1f} {end[0] - dy:.1f},{end[1] + dx:.1f} {end[0] + dy:.1f},{end[1] - dx:.1f}"
    )
    lx, ly = (start[0] + 2 * cx + end[0]) / 4 - uy * 8, (start[1] + 2 * cy + end[1]) / 4 + ux * 8 + 4
    width = 1.2 + 3.3 * edge.count / most
    line = f"M{start[0]:.1f} {start[1]:.1f}Q{cx:.1f} {cy:.1f} {end[0]:.1f} {end[1]:.1f}"
    reach = f'<path class="nba-reach" d="{line}"></path>' if picked else ""  # a thin line is hard to hit
    return (
        f'<g class="{color_class(colors[edge.speaker])}"{picked}>'
        f"<title>{escape(one_line(edge.speaker, 60))} → {escape(one_line(edge.listener, 60))}: {edge.count}"
        f'</title>{reach}<path d="{line}" stroke-width="{width:.1f}"></path>'
        f'<polygon points="{head}"></polygon>'
        f'<text class="nba-count" x="{lx:.1f}" y="{ly:.1f}">{edge.count}</text></g>'
    )


def _picked(asks: bool, *names: str) -> str:
    """Return the attributes of what can be chosen; ``asks`` if it is what somebody asked from outside."""
    return f' data-pick="{_pick(*names)}"' + (" data-asks" if asks else "")


def _toward(point: Point, other: Point, distance: float) -> Point:
    length = math.hypot(other[0] - point[0], other[1] - point[1]) or 1.0
    return (
        point[0] + (other[0] - point[0]) * distance / length,
        point[1] + (other[1] - point[1]) * distance / length,
    )
