"""The scripts that make the environment, and the rule for tests whose program is missing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROXIES = {"http_proxy", "https_proxy", "all_proxy"}
BARE = {name: value for name, value in os.environ.items() if name.lower() not in PROXIES}

PYTHON_THAT_TELLS = """\
#!/bin/sh
# Runs what comes on its standard input; instead of pip, tells what it was asked.
[ "$1" = - ] && exec {python} -
echo "asked: ${{HTTPS_PROXY:-no proxy}}: $*"
test -z "$HTTPS_PROXY" || exit {status}
"""


def _pip(folder: Path, status: int = 0, **proxies: str) -> subprocess.CompletedProcess[str]:
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    python.write_text(PYTHON_THAT_TELLS.format(python=sys.executable, status=status))
    python.chmod(0o755)
    asked = [ROOT / ".ci" / "pip", folder, "-e", ".[dev]"]
    return subprocess.run(asked, env=BARE | proxies, capture_output=True, text=True)


def test_pip_is_asked_once_where_there_is_no_proxy(tmp_path: Path):
    done = _pip(tmp_path)
    assert done.returncode == 0
    assert done.stdout == "asked: no proxy: -m pip --disable-pip-version-check install --quiet -e .[dev]\n"


def test_a_proxy_that_does_not_answer_is_left_out(tmp_path: Path):
    done = _pip(tmp_path, HTTPS_PROXY="http://127.0.0.1:9")
    assert done.returncode == 0
    assert done.stdout.startswith("asked: no proxy:")
    assert "HTTPS_PROXY names a proxy that does not answer" in done.stderr


def test_a_proxy_that_answers_is_used(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = f"http://127.0.0.1:{listening.getsockname()[1]}"
        done = _pip(tmp_path, HTTPS_PROXY=proxy)
    assert done.returncode == 0
    assert done.stdout.startswith(f"asked: {proxy}:")
    assert done.stdout.count("asked") == 1


def test_where_the_proxy_fails_pip_is_asked_again_without(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = _pip(tmp_path, status=1, HTTPS_PROXY=f"http://127.0.0.1:{listening.getsockname()[1]}")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("asked: no proxy:")
    assert done.stdout.count("asked") == 2


def test_without_a_python_that_is_new_enough_the_remedy_is_named(tmp_path: Path):
    make = [ROOT / ".ci" / "venv", tmp_path / "env"]
    done = subprocess.run(make, env=BARE | {"PYTHON": "no-such-python"}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr
    assert not (tmp_path / "env").exists()


def _pytest_without_programs(folder: Path, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = browser\n")
    (folder / "test_two.py").write_text(
        "import pytest\n@pytest.mark.browser\ndef test_page(): pass\ndef test_plain(): pass\n"
    )
    run = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    return subprocess.run(run, cwd=folder, env=BARE | {"PATH": "", "CI": ci}, capture_output=True, text=True)


def test_a_test_without_its_program_is_left_out_by_name(tmp_path: Path):
    done = _pytest_without_programs(tmp_path, ci="")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 deselected" in done.stdout
    assert "left out 1 browser tests, which need Chromium: apt-get install chromium" in done.stdout


def test_the_continuous_integration_leaves_nothing_out(tmp_path: Path):
    done = _pytest_without_programs(tmp_path, ci="true")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "1 browser tests need Chromium: apt-get install chromium" in done.stderr
