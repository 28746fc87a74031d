"""``%agents audit``: which tools were called for models, who allowed it, and whether the log is whole."""

from __future__ import annotations

import dataclasses
import json
import sys
import time

from ..exceptions import StorageError, UsageError
from ..render import TableView, table_html, table_text
from ..store import AuditRow
from ..tools import audit_calls, audit_log
from ._desk import Desk
from ._run_verbs import numbered
from ._specs import LineSpec

__all__ = ["show_audit"]

MOST = 100
"""Calls that are shown, the last ones."""
DECISIONS = {
    "policy": "by policy",
    "person": "by you",
    "edited": "by you, changed",
    "run": "by you, for its run",
    "denied": "not allowed",
    "expired": "no answer in time",
    "headless": "nobody to ask",
    "refused": "refused",
}
STATES = {"done": "✓ done", "error": "✗ failed", "stopped": "■ stopped", "denied": "✗ not made", "": "…"}


def show_audit(desk: Desk, spec: LineSpec) -> None:
    """Show the last calls, the newest first, or those of one run.

    Raises:
        UsageError: there is no such run, or the log cannot be read.
    """
    run = numbered(desk, int(spec.targets[0])) if spec.targets else None
    try:
        calls = audit_calls("" if run is None else run.id, MOST)
        broken = audit_log().verify()
    except StorageError as error:
        raise UsageError(f"%agents: {error}") from None
    whole = "the log is whole" if not broken else f"⚠ the log was changed: {broken}"
    if spec.options.json:
        told = {"whole": not broken, "broken": broken, "calls": [dataclasses.asdict(call) for call in calls]}
        sys.stdout.write(f"{json.dumps(told, ensure_ascii=False, indent=1)}\n")
        return
    which = "" if run is None else f" of run {run.number}"
    view = TableView(
        ("when", "agent", "tool", "called with", "does", "allowed", "came of it"),
        tuple(map(_row, calls)) or (("none yet", "", "", "", "", "", ""),),
        f"calls of tools{which} · {whole}",
    )
    desk.surface().show(table_html(view), table_text(view))


def _row(call: AuditRow) -> tuple[str, ...]:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(call.at))
    came = STATES.get(call.state, call.state)
    came += f", {call.size:,} characters" if call.state == "done" else ""
    allowed = DECISIONS.get(call.decision, call.decision)
    return (when, call.agent, call.tool, call.short, call.effects, allowed, came)
