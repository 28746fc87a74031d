"""Runs cells in a real IPython shell, in a process of its own, as a notebook runs them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from dataclasses import dataclass

SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbagents import rpc

shell = InteractiveShell.instance()
shell.events.register("post_run_cell", lambda result: rpc.send_new_classes())
told = []
for text in json.load(sys.stdin):
    with capture_output() as shown:
        ran = shell.run_cell(text, store_history=True)
    error = ran.error_before_exec or ran.error_in_exec
    what = "" if error is None else f"{type(error).__name__}: {error}"
    trace = str(getattr(error, "remote_traceback", "") or "")
    told.append([str(ran.result), shown.stdout, shown.stderr, what, trace])
print(json.dumps(told))
"""
FIRST = "from nbagents import AgentBase, Msg"


@dataclass
class Ran:
    """What came of one cell."""

    result: str
    stdout: str
    stderr: str
    error: str
    traceback: str


def run_cells(*cells: str, fine: bool = True) -> list[Ran]:
    """Run cells in one shell, after one that imports; return what came of each, that one left out."""
    given = [FIRST, *(textwrap.dedent(cell).strip() for cell in cells)]
    command = [sys.executable, "-P", "-c", SHELL]
    run = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=50)
    assert run.returncode == 0, run.stderr
    ran = [Ran(*one) for one in json.loads(run.stdout.splitlines()[-1])][1:]
    if fine:
        assert [one.error for one in ran if one.error] == []
    return ran
