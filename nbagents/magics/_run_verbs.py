"""``%agents runs``, ``show 12``, ``wait``, ``stop``, ``timeline``, ``cost``, ``export``: runs by number.

They reach every run of the notebook, those of an earlier kernel too.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..exceptions import AgentServerError, UsageError
from ..render import (
    RunView,
    TableView,
    graph_html,
    graph_text,
    run_html,
    run_text,
    table_html,
    table_text,
)
from ..runs import Run, exported, graph_of, recent_runs
from ._desk import Desk
from ._specs import LineSpec

__all__ = [
    "cost_of_run",
    "export_run",
    "list_runs",
    "numbered",
    "show_graph",
    "show_run",
    "show_timeline",
    "stop_run",
    "stop_runs",
    "wait_for_run",
]

MARKS = {"running": "▶ goes on", "done": "✓ done", "failed": "✗ failed", "stopped": "■ stopped"}
NONE = (("none yet", "", "", ""),)
TITLE = 60
MAGIC = "%agents"


def list_runs(desk: Desk, spec: LineSpec) -> None:
    """Show what runs this notebook has had, the newest last."""
    rows: dict[str, tuple[int, tuple[str, ...]]] = {}
    for about in _told(desk):
        rows[about["run"]] = (int(about["number"]), _row(about))
    for run in recent_runs():  # those that no server was told of
        if run.id not in rows:
            about = {"state": run.state, "title": run.title, "elapsed": run.elapsed, "here": True}
            about |= {"messages": len(run.messages), "outcome": run.outcome}
            rows[run.id] = (run.number, _row(about))
    listed = tuple((str(number), *row) for number, row in sorted(rows.values()))
    view = TableView(("run", "state", "what", "began"), listed or NONE, f"runs of {desk.where()}")
    desk.surface().show(table_html(view), table_text(view))


def _told(desk: Desk) -> list[dict[str, Any]]:
    try:
        return desk.session.runs()
    except AgentServerError:
        return []


def _row(about: Mapping[str, Any]) -> tuple[str, ...]:
    state, count = str(about["state"]), int(about["messages"])
    goes_on = state == "running"
    facts = [
        _short(str(about["title"])),
        f"{count} message{'' if count == 1 else 's'}",
        str(about.get("outcome") or (about.get("note") if goes_on else "") or ""),
        "its kernel is gone" if goes_on and not about.get("here") else "",
    ]
    began = time.strftime("%H:%M:%S", time.localtime(float(about["started"]))) if "started" in about else ""
    how = f"{MARKS.get(state, state)} {float(about['elapsed']):.1f} s"
    return (how, " · ".join(filter(None, facts)), began)


def numbered(desk: Desk, number: int) -> Run:
    """Return the run of that number.

    Raises:
        UsageError: there is none.
    """
    try:
        run = desk.session.run(number)
    except AgentServerError:
        raise UsageError(f"{MAGIC}: there is no run {number} here, and the agent server is away") from None
    run.color_of = desk.color
    return run


def _meant(desk: Desk, spec: LineSpec) -> Run:
    """Return the run that a command names, or the last one."""
    if spec.targets:
        return numbered(desk, int(spec.targets[0]))
    known = [int(about["number"]) for about in _told(desk)] + [run.number for run in recent_runs()]
    if not known:
        raise UsageError(f"{MAGIC}: there is no run yet")
    return numbered(desk, max(known))


def show_run(desk: Desk, number: int) -> None:
    """Show a run as its card is when it is over."""
    view = numbered(desk, number).view()
    desk.surface().show(run_html(view), run_text(view))


def wait_for_run(desk: Desk, spec: LineSpec) -> Run:
    """Wait until a run is over, and return it; as a cell's last value it shows itself."""
    number = int(spec.targets[0]) if spec.targets else None
    try:
        run = desk.session.wait(number, timeout=spec.options.timeout)
    except TimeoutError as error:
        raise UsageError(f"{MAGIC}: {error}", hint=f"{MAGIC} stop {number or ''}".rstrip()) from None
    run.color_of = desk.color
    return run


def stop_runs(desk: Desk, *, everyone: bool = False) -> list[str]:
    """Stop the newest run that goes on, or all of them; say of each what was stopped."""
    own = [run for run in recent_runs() if not run.over]
    known = {run.id for run in own}
    there = [] if own and not everyone else [each for each in _told(desk) if each["state"] == "running"]
    numbers = [run.number for run in own]
    numbers += [int(each["number"]) for each in there if each["run"] not in known]
    return [stop_run(desk, number) for number in (numbers if everyone else numbers[-1:])]


def stop_run(desk: Desk, number: int) -> str:
    """Stop a run, whoever began it; say what was stopped."""
    run = numbered(desk, number)
    if run.over:
        return f"run {number} has ended"
    count = desk.session.stop_run(number)
    return f"run {number}: {count} call{'' if count == 1 else 's'} stopped"


def show_timeline(desk: Desk, spec: LineSpec) -> None:
    """Show who was busy when in a run."""
    view = _meant(desk, spec).view()
    if not view.lanes:
        raise UsageError(f"{MAGIC}: nobody was asked anything in {view.title}")
    bare = RunView(view.title, view.state, view.elapsed, lanes=view.lanes, wall=view.wall)
    desk.surface().show(run_html(bare, timeline=True), run_text(bare, timeline=True))


def show_graph(desk: Desk, spec: LineSpec) -> None:
    """Show who spoke to whom in a run."""
    view = graph_of(_meant(desk, spec))
    desk.surface().show(graph_html(view), graph_text(view))


def cost_of_run(desk: Desk, spec: LineSpec) -> None:
    """Show what each agent has used in a run."""
    run = _meant(desk, spec)
    rows = [(agent, f"{tokens:,}", _dollars(cost, tokens)) for agent, (tokens, cost) in run.costs.items()]
    whole = (f"{run.tokens or 0:,}", _dollars(run.cost, run.tokens or 0))
    table = (*rows, ("all", *whole)) if len(rows) != 1 else tuple(rows)
    view = TableView(("agent", "tokens", "cost"), table, f"run {run.number} · {_short(run.title)}")
    desk.surface().show(table_html(view), table_text(view))


def _dollars(cost: float | None, tokens: int) -> str:
    if cost is None:
        return "price unknown"
    return f"${cost:.4f}" if cost else "free" if tokens else ""


def export_run(desk: Desk, spec: LineSpec, say: Callable[[str], None]) -> None:
    """Write a run to a file; the end of its name says as what."""
    run = _meant(desk, spec)
    text = exported(run.view(), spec.text)
    shown = _short(spec.text if spec.text.isprintable() else ascii(spec.text))
    try:
        _write(os.path.expanduser(spec.text), text)
    except (OSError, ValueError) as error:  # a name that no file can have is a ValueError
        why = getattr(error, "strerror", None) or "no file has such a name"
        raise UsageError(f"{MAGIC}: {shown} cannot be written: {why}") from None
    say(f"run {run.number}: {len(run.messages)} messages written to {shown}")


def _write(path: str, text: str) -> None:
    """Write a file; only a plain one, since a pipe would wait for a reader, and a device has no end."""
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666)
    with open(opened, "wb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        file.truncate()
        file.write(text.encode("utf-8", "replace"))


def _short(text: str) -> str:
    return text if len(text) <= TITLE else f"{text[: TITLE - 1]}…"
