"""Take each guard away, in a copy, and see the test that is named for it fail: no guard stands untested."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .guards import GUARDS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package and its tests once more, to be spoilt."""
    place = tmp_path_factory.mktemp("copy")
    left = shutil.ignore_patterns("__pycache__", "*.svg")
    for name in ("docs", "nbagents", "tests"):
        shutil.copytree(ROOT / name, place / name, ignore=left)
    shutil.copy(ROOT / "pyproject.toml", place)
    yield place
    shutil.rmtree(place)


def outcome(place: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-p", "no:cacheprovider", "-x", "--timeout=20", "-m", ""]
    command = [sys.executable, "-P", "-m", "pytest", *options, *tests]
    environment = os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_CURRENT_TEST", None)
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)


@pytest.mark.long
@pytest.mark.linux
@pytest.mark.parametrize("guard", GUARDS)
def test_without_the_guard_its_test_fails(copy: Path, guard: str):
    module, text, instead, test = GUARDS[guard]
    path = copy / "nbagents" / module
    whole = path.read_text("utf-8")
    assert text in whole, f"the guard is not where it was: {module}"
    path.write_text(whole.replace(text, instead), "utf-8")
    try:
        run = outcome(copy, test)
    finally:
        path.write_text(whole, "utf-8")
    assert run.returncode == 1, run.stdout[-2000:] + run.stderr[-1000:]
    assert re.search(r"[1-9]\d* failed", run.stdout), run.stdout[-2000:]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_with_all_guards_the_tests_pass(copy: Path):
    """Else the test above would tell nothing."""
    run = outcome(copy, *{test for _, _, _, test in GUARDS.values()})
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-1000:]
