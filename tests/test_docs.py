"""The documentation is built without a warning: references, headings, and each docstring on its page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    built = subprocess.run(
        [*command, "-d", str(tmp_path / "trees"), "docs", str(tmp_path / "pages")],
        cwd=ROOT,
        env={**os.environ, "NBAGENTS_DOCS": "check"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr[-6000:]
    agents = (tmp_path / "pages" / "api" / "agents.html").read_text()
    assert 'id="nbagents.agents.DialogAgent"' in agents
    assert "A first conversation" in (tmp_path / "pages" / "index.html").read_text()
