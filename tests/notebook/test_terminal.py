"""Plain IPython: text as it arrives, no HTML, and an interrupt that ends the run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.notebook

PREAMBLE = """
import os, signal, sys, threading
from IPython.terminal.interactiveshell import TerminalInteractiveShell
shell = TerminalInteractiveShell.instance(colors="nocolor")

def run(code, interrupt_after=None):
    if interrupt_after:
        threading.Timer(interrupt_after, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    ok = shell.run_cell(code, store_history=True).success
    print(f"[{'ok' if ok else 'failed'}]")

run("%load_ext nbagents")
run("%%agent poet -m demo-fast\\nYou are a poet. You write four short lines. No title.")
run("%%agent slow -m demo-slow\\nYou are a poet. You write four short lines. No title.")
print("=====")
try:
"""


def _session(folder: Path, source: str) -> str:
    ending = "finally:\n    print('=====')\n    shell.run_line_magic('agents', 'server stop')\n"
    path = folder / "session.py"
    path.write_text(PREAMBLE + textwrap.indent(textwrap.dedent(source), "    ") + ending)
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=50,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("=====")[1] + done.stderr


def test_messages_are_printed_as_text(tmp_path: Path):
    text = _session(
        tmp_path,
        r"""
        run("%%pipeline poet -> poet -o verse\nWrite about rain in {words} words.")
        run("verse.name, _ is verse")
        """,
    )
    assert "poet · " in text
    assert "  Rain in {words} words at dawn" in text
    assert "⚠ `{words}` left as is" in text
    assert re.search(r"run 1 · pipeline poet → poet · ✓ done · \d\.\d s · 2 messages", text)
    assert "Out[5]: ('poet', True)" in text
    assert "<" not in text.replace("<listcomp>", "")


def test_a_condition_and_a_hub_work_there_too(tmp_path: Path):
    text = _session(
        tmp_path,
        r"""
        run("%%pipeline poet --loop 3 --until \"len(msg.content) > 3\"\nWrite about rain.")
        run("%%msghub poet\nx = poet()\nprint('said', x.name)")
        """,
    )
    assert "✓ stopped by --until after pass 1" in text
    assert "said poet" in text
    assert text.count("[ok]") == 2


def test_an_interrupt_ends_the_run_and_the_next_cell_works(tmp_path: Path):
    text = _session(
        tmp_path,
        r"""
        run("%%agents slow\nWrite about rain.", interrupt_after=0.6)
        run("%%msghub slow poet\nslow('Write about rain.')", interrupt_after=0.6)
        run("%%agents poet\nHello.")
        """,
    )
    assert re.search(r"run 1 · slow · ■ stopped", text)
    assert "KeyboardInterrupt: run 1 was stopped by you; what was said is kept" in text
    assert "KeyboardInterrupt: run 2 was stopped by you; what was said is kept" in text
    assert re.search(r"run 3 · poet · ✓ done", text)


def test_errors_are_two_lines(tmp_path: Path):
    text = _session(
        tmp_path,
        r"""
        run("%%agents nobody\nHello.")
        run("%%agent broken -m demo-error\nYou are broken.")
        run("%%agents broken\nHello.")
        """,
    )
    assert "UsageError: %%agents: no agent called 'nobody'." in text
    assert "✗ broken got no answer from its model" in text
    assert "The whole traceback: %agents why" in text
    assert "Traceback (most recent call last)" not in text
