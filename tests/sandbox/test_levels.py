"""Which level there is, where some of them are missing; and what is said then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.linux

REPORT = """
import asyncio, json, os
from nbagents import execute_python_code
from nbagents.exceptions import NbAgentsError
from nbagents.sandbox import best_level, reasons

async def awaited():
    return await execute_python_code("print(1)")

def ran():
    try:
        return asyncio.run(awaited()).metadata["sandbox"]
    except NbAgentsError as error:
        return f"{type(error).__name__}: {error} | {error.hint}"

found = {"best": best_level().name, "default": ran()}
found["why"] = {level.name: why for level, why in reasons().items()}
os.environ["NBAGENTS_SANDBOX"] = best_level().name.lower()
found["accepted"] = ran()
os.environ["NBAGENTS_SANDBOX"] = "none"
found["wrong"] = ran()
print(json.dumps(found))
"""
NO_PROC = """
from nbagents.sandbox import Level
from nbagents.sandbox._probe import attempt
print([attempt(level, shows_processes=False) for level in (Level.NAMESPACES, Level.BUBBLEWRAP)])
"""
NO_NAMESPACES = """
from nbagents.sandbox._inside._filter import FAMILIES, filter_calls
filter_calls(FAMILIES, shares=False)
"""
NO_LANDLOCK = """
from nbagents.sandbox._inside._landlock import restrict
for _ in range(16):  # the kernel grants so many
    restrict([], ["/"], network=True)
"""


def _report(first: str, path: str | None = None) -> dict[str, str]:
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    run = subprocess.run(
        [sys.executable, "-c", first + REPORT], env=environment, capture_output=True, text=True, timeout=50
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)  # type: ignore[no-any-return]


@pytest.mark.namespaces
def test_without_bubblewrap_namespaces_do(tmp_path: Path):
    found = _report("", path=str(tmp_path))
    assert found["best"] == found["default"].upper() == "NAMESPACES"
    assert found["why"] == {"BUBBLEWRAP": "bubblewrap is not installed"}


@pytest.mark.namespaces
@pytest.mark.bubblewrap
def test_where_a_container_allows_no_proc_the_rest_is_made():
    run = subprocess.run([sys.executable, "-c", NO_PROC], capture_output=True, text=True, timeout=50)
    assert run.stdout.strip() == "['', '']", run


def test_without_namespaces_code_is_refused_until_somebody_accepts_less():
    found = _report(NO_NAMESPACES)
    assert found["best"] == "LANDLOCK"
    assert set(found["why"]) == {"BUBBLEWRAP", "NAMESPACES"}
    assert "Operation not permitted" in found["why"]["NAMESPACES"]
    assert found["default"].startswith("SandboxError: code runs here in a sandbox of the level landlock only")
    assert found["default"].endswith("NBAGENTS_SANDBOX=landlock")
    assert "apt-get install bubblewrap" in found["default"]
    assert found["accepted"] == "landlock"
    assert found["wrong"].startswith("UsageError: NBAGENTS_SANDBOX is 'none'")


def test_without_anything_limits_are_left():
    found = _report(NO_NAMESPACES + NO_LANDLOCK)
    assert found["best"] == "LIMITS"
    assert set(found["why"]) == {"BUBBLEWRAP", "NAMESPACES", "LANDLOCK"}
    assert "limits only" in found["default"]
    assert found["accepted"] == "limits"
