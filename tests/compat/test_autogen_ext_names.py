"""AutoGen's module paths for its distributed runtime: each name is there, and a program in its terms runs."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nbagents.compat.autogen_ext import _table

PROGRAM = Path(__file__).with_name("workers") / "two_workers.py"


@pytest.mark.parametrize("path", sorted(_table.MODULES))
def test_each_name_is_there(path: str):
    module = importlib.import_module("nbagents.compat.autogen_ext" + (f".{path}" if path else ""))
    for known in module.__all__:
        assert getattr(module, known) is not None


@pytest.mark.parametrize(("path", "name", "instead"), [
    ("runtimes.grpc", "GrpcWorkerAgentRuntimeHostServicer", "AgentServerServicer"),
    ("models", "OpenAIChatCompletionClient", r"nbagents\.models"),
])  # fmt: skip
def test_what_is_not_there_says_what_to_do(path: str, name: str, instead: str):
    with pytest.raises(ImportError, match=instead):
        getattr(importlib.import_module(f"nbagents.compat.autogen_ext.{path}"), name)


def test_two_workers_talk_through_a_host():
    """A program in AutoGen's terms, with its two agents in two workers: each says five things, in turn."""
    done = subprocess.run(
        [sys.executable, "-W", "error", PROGRAM], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert sorted(said) == sorted(f"worker{n}: Hello x {m}" for n in (1, 2) for m in range(1, 6))
    for worker in ("worker1", "worker2"):
        mine = [int(re.findall(r"\d+", line)[-1]) for line in said if line.startswith(worker)]
        assert mine == [1, 2, 3, 4, 5]
    for step in range(5):  # whoever says the n-th thing has heard the other's before
        assert {line[-1] for line in said[2 * step : 2 * step + 2]} == {f"{step + 1}"}
