"""Parsers, fuzzed: the inputs that are kept, always; and for a while those that reach new code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE))
from targets import TARGETS  # noqa: E402  # it lies beside this file

CORPUS = sorted(path for path in (HERE / "corpus").rglob("*") if path.is_file())
SECONDS = 60 if os.environ.get("NBAGENTS_LONG") == "1" else 3


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_kept(path: Path):
    TARGETS[path.parent.name](path.read_bytes())


def test_each_target_has_a_corpus():
    assert {path.parent.name for path in CORPUS} == set(TARGETS)


@pytest.mark.atheris
@pytest.mark.long
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("target", TARGETS)
def test_what_reaches_new_code(target: str, tmp_path: Path):
    """Found faults are written beside the corpus in use; to keep one, copy it into ``corpus``."""
    corpus = tmp_path / "corpus"
    shutil.copytree(HERE / "corpus" / target, corpus)
    command = [sys.executable, str(HERE / "run_target.py"), target, str(SECONDS), str(corpus)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    units = re.search(r"stat::number_of_executed_units:\s+(\d+)", run.stderr)
    assert units is not None
    assert int(units[1]) > 100, run.stderr[-1000:]
