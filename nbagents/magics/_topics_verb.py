"""``%agents topics``: who hears what, and how many messages have passed, host by host."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from .._ids import PROCESS
from .._loop import background
from ..exceptions import NbAgentsError
from ..render import TableView, table_html, table_text
from ..rpc import RpcAgentClient
from ..runtime import SingleThreadedAgentRuntime, open_runtimes
from ..topics import TypePrefixSubscription, TypeSubscription
from ._desk import Desk
from ._specs import LineSpec

__all__ = ["show_topics"]

HERE = "this kernel"
SECONDS = 60.0
Hearers = list[tuple[str, str, str]]
"""Agent type, where it lives, and the topics that it hears."""


def show_topics(desk: Desk, spec: LineSpec) -> None:
    """Show who subscribes to what at a host, or at all that this notebook has to do with.

    Raises:
        NbAgentsError: the host that is named cannot be asked.
    """
    if spec.text:
        _show_host(desk, spec.text, f"topics of {spec.text}", RpcAgentClient(spec.text).topics())
        return
    shown = False
    for runtime in open_runtimes():
        about = background().run(runtime.topics(), timeout=SECONDS)
        if about["types"] or about["subscriptions"] or about["topics"]:
            shown = True
            name = f"topics of {_name(desk, runtime)} · {HERE}"
            _show(desk, f"{id(runtime)}", name, _hearers_here(about), about["topics"])
    for address, about in _hosts(desk).items():
        if about["types"] or about["subscriptions"] or about["topics"]:
            shown = True
            _show_host(desk, address, f"topics of {address or 'the agent server of this notebook'}", about)
    if not shown:
        _show(desk, "", "topics", [], {})


def _hosts(desk: Desk) -> dict[str, dict[str, Any]]:
    """Return what the hosts tell that this notebook has to do with: its own server, "", and its workers'."""
    found: dict[str, dict[str, Any]] = {}
    known = set()
    if desk.session.status().state == "ready":
        client = desk.session.server.client()
        known.add(client.address)
        found[""] = client.topics()
    for value in desk.variables.values():
        if getattr(type(value), "__name__", "") != "GrpcWorkerAgentRuntime" or not value.is_running:
            continue  # by its name: to import it takes gRPC
        if value.host_address not in known:
            known.add(value.host_address)
            try:
                found[value.host_address] = background().run(value.topics(), timeout=SECONDS)
            except NbAgentsError:  # it is gone, and is looked for
                continue
    return found


def _name(desk: Desk, runtime: SingleThreadedAgentRuntime) -> str:
    names = [name for name, value in desk.variables.items() if value is runtime and name.isidentifier()]
    return names[0] if names else "a runtime"


def _hearers_here(about: Mapping[str, Any]) -> Hearers:
    heard: dict[str, list[str]] = {kind: [] for kind in about["types"]}
    for one in about["subscriptions"]:
        if isinstance(one, TypePrefixSubscription):
            heard.setdefault(one.agent_type, []).append(f"{one.topic_type_prefix}*")
        elif isinstance(one, TypeSubscription):
            heard.setdefault(one.agent_type, []).append(one.topic_type)
        else:
            heard.setdefault(type(one).__name__, []).append("what its own code says")
    types = set(about["types"])
    return [
        (kind, HERE if kind in types else "nowhere yet", _topics(kind, topics))
        for kind, topics in heard.items()
    ]


def _show_host(desk: Desk, key: str, caption: str, about: Mapping[str, Any]) -> None:
    heard: dict[str, list[str]] = {kind: [] for kind in about["types"]}
    for one in about["subscriptions"]:
        heard.setdefault(one["agent_type"], []).append(one["topic"] + "*" * bool(one["prefix"]))
    rows = [(kind, _where(kind, about), _topics(kind, topics)) for kind, topics in heard.items()]
    _show(desk, f"host {key}", caption, rows, about["topics"])


def _where(kind: str, about: Mapping[str, Any]) -> str:
    sessions = about["types"].get(kind, [])
    if not sessions:
        return "the server" if kind in about.get("living", ()) else "nowhere yet"
    places = []
    for session in sessions:
        pid = about["workers"].get(session, {}).get("pid")
        here = session.startswith(f"{PROCESS}-")
        places.append(HERE if here else f"a worker, process {pid}" if pid else "a worker elsewhere")
    return ", ".join(dict.fromkeys(places))


def _topics(kind: str, topics: Sequence[str]) -> str:
    """Name the topics of a type; those that begin with its own name, as classes have them, only if alone."""
    own = f"{kind}:*"
    return ", ".join(dict.fromkeys(topic for topic in topics if topic != own)) or (
        own if own in topics else "direct messages only"
    )


def _show(desk: Desk, key: str, caption: str, hearers: Hearers, topics: Mapping[str, Sequence[int]]) -> None:
    who = TableView(
        ("agent type", "lives in", "hears"),
        tuple(sorted(hearers)) or (("none yet", "", "register one with a runtime"),),
        caption,
    )
    passed = tuple((name, *map(str, counted), rate) for name, counted, rate in _rated(desk, key, topics))
    view = TableView(("topic", "published", "delivered", "under way", "since the last look"), passed)
    parts = [who, view] if passed else [who]
    surface = desk.surface()
    surface.show("".join(map(table_html, parts)), "\n\n".join(map(table_text, parts)))


def _rated(
    desk: Desk, key: str, topics: Mapping[str, Sequence[int]]
) -> list[tuple[str, tuple[int, int, int], str]]:
    """Return what has passed in each topic, and how much of it a second since the last look."""
    now, counts = time.monotonic(), {name: [int(n) for n in counted] for name, counted in topics.items()}
    then, before = desk.looks.get(key, (now, {}))
    desk.looks[key] = (now, counts)
    seconds = now - then
    rows = []
    for name, (published, delivered, opened) in sorted(counts.items()):
        old = before.get(name, [0, 0, 0])
        goes_on = seconds > 0 and published >= old[0] and delivered >= old[1]  # else it is another host
        rate = ""
        if goes_on:
            came, went = (published - old[0]) / seconds, (delivered - old[1]) / seconds
            rate = f"{came:.1f} → {went:.1f} a second"
        rows.append((name, (published, delivered, opened), rate))
    return rows
