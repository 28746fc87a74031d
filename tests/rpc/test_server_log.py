"""What a server writes to its log: no key, and no line that somebody else has forged."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

KEY = "sk-canary-0123456789abcdefghij"
WRITES = """
import logging, json, sys, threading, warnings
from nbagents.rpc._log import start_log
start_log()
text = json.loads(sys.stdin.readline())
log = logging.getLogger("an.agent")
log.warning("said %s", text)
try:
    raise ValueError(text)
except ValueError:
    log.exception("it failed")
def fail():
    raise RuntimeError(text)
thread = threading.Thread(target=fail)
thread.start(); thread.join()
warnings.warn(text)
print(text, file=sys.stderr)
sys.stderr.write(text[:10]); sys.stderr.write(text[10:])
"""


@pytest.fixture
def written():
    def write(text: str) -> str:
        command = [sys.executable, "-c", WRITES]
        run = subprocess.run(command, input=json.dumps(text), capture_output=True, text=True, check=True)
        return run.stderr

    return write


def test_keys_are_masked(written):
    log = written(f"the key {KEY} was refused, Bearer {KEY}, https://user:{KEY}@host/")
    assert log.count("was refused") == 6
    assert KEY not in log
    assert "canary-0123" not in log
    assert "sk-…ghij" in log


def test_no_line_is_forged(written):
    log = written("fine\r\n2026-01-01 00:00:00,000 ERROR nbagents: forged \x1b[31mred\x1b[0m \u202eback")
    first, *rest = log.splitlines()
    assert first.endswith(
        r"said fine\r\n2026-01-01 00:00:00,000 ERROR nbagents: forged \x1b[31mred\x1b[0m \u202eback"
    )
    until = next(n for n, line in enumerate(rest) if line.startswith("Exception in thread"))
    headers = [line for line in rest[:until] if not line.startswith("    ")]
    assert [line.split(": ")[-1] for line in headers] == ["it failed"]


def test_an_endless_text_is_cut(written):
    first = written("x" * 1_000_000).splitlines()[0]
    assert len(first) < 700
    assert first.endswith("…")
