"""What tests of sandboxes share: the levels of this machine, and a look for processes that are left."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nbagents.sandbox import Level


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each level to a test that asks for one; marks leave out those that this machine lacks."""
    if "level" in metafunc.fixturenames:
        mark = pytest.mark
        marks = {
            Level.LIMITS: [mark.posix],
            Level.LANDLOCK: [mark.linux],
            Level.NAMESPACES: [mark.namespaces],
            Level.BUBBLEWRAP: [mark.namespaces, mark.bubblewrap],
        }
        levels = [pytest.param(one, marks=marks[one]) for one in Level]
        metafunc.parametrize("level", levels, ids=[one.name.lower() for one in Level])


@pytest.fixture
def gone():
    """Wait until no process has this word in its arguments; say which have, if that takes too long."""

    def look(word: str, seconds: float = 5.0) -> list[str]:
        limit = time.monotonic() + seconds
        while (left := _with(word)) and time.monotonic() < limit:
            time.sleep(0.02)
        return left

    return look


def _with(word: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            said = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in said and path.parent.name != str(os.getpid()):
            found.append(f"{path.parent.name}: {said}")
    return found
