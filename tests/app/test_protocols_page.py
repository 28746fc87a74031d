"""The page that compares the protocols: what it shows runs, and says what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text()


@pytest.mark.long
@pytest.mark.timeout(180)
def test_each_line_of_the_page_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "JUPYTER_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    promised = re.findall(r"print\(.*\)  # (.*)$", "\n".join(blocks), re.MULTILINE)
    assert len(promised) == 5
    said = [line for line in done.stdout.splitlines() if "You said" in line]
    assert {line for line in said if line in promised} == set(promised)
    assert done.stdout.splitlines()[-1]  # the poet's word
