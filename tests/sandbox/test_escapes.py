"""Thirty ways out of a sandbox, at each level; and what is documented of those that lead out."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbagents.sandbox import Level, Limits, Sandbox
from nbagents.sandbox._inside._landlock import landlock_version

HERE = Path(__file__).parent
ESCAPES = HERE / "escapes.py"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """A home with secrets, and a server of its user with sockets of each kind."""
    home = tmp_path_factory.mktemp("home").resolve()
    for folder in (".ssh", "agents", ".ipython/profile_default/startup"):
        (home / folder).mkdir(parents=True)
    (home / ".ssh/id_rsa").write_text("the secret key")
    (home / "notes").write_text("notes")
    mark = f"nb{secrets.token_hex(6)}"
    by_path, by_name = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    by_path.bind(str(home / "server.s"))
    by_name.bind(f"\0{mark}")
    for sock in (tcp, udp):
        sock.bind(("127.0.0.1", 0))
    for sock in (by_path, by_name, tcp):
        sock.listen(50)
    victim = subprocess.Popen(["sleep", "300"], env={**os.environ, "API_KEY": "a secret"})
    yield {
        "home": str(home),
        "victim": victim.pid,
        "mark": mark,
        "port": tcp.getsockname()[1],
        "datagrams": udp.getsockname()[1],
        "shared": secrets.randbits(30),
        "udp": udp,
    }
    victim.kill()
    victim.wait()
    for sock in (by_path, by_name, tcp, udp):
        sock.close()


@pytest.fixture(scope="module")
def bare(outside: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The ways that lead out where there is no sandbox."""
    run = subprocess.run(
        [sys.executable, str(ESCAPES), _told(outside, bare=True)],
        cwd=tmp_path_factory.mktemp("bare"),
        env={**os.environ, "API_KEY": "a secret"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = set(json.loads(run.stdout))
    _clear(outside)
    assert len(found) >= 20, found
    return found


def test_what_leads_out_is_what_is_documented(
    level: Level,
    outside: dict[str, object],
    bare: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    root: Path,
):
    monkeypatch.setenv("API_KEY", "a secret")
    folder = tmp_path / "work"
    folder.mkdir()
    box = Sandbox(folder, least=level, level=level, readable=[ESCAPES], limits=Limits(seconds=60))
    finished = asyncio.run(box.run([sys.executable, str(ESCAPES), _told(outside, bare=False)]))
    assert finished.returncode == 0, finished
    found = set(json.loads(finished.stdout)) | _clear(outside)
    admitted = _documented(root, level)
    if level is Level.LANDLOCK and landlock_version() < 6:
        admitted |= {"signal_server"}  # the page says so
    assert found == admitted & bare


def test_the_documented_ways_are_the_ways_that_are_tried(root: Path):
    tried = set(re.findall(r"^def (\w+)\(\) -> bool:", ESCAPES.read_text("utf-8"), re.MULTILINE))
    assert _documented(root, Level.LIMITS) <= tried
    assert _documented(root, Level.LANDLOCK) < _documented(root, Level.LIMITS)
    assert _documented(root, Level.NAMESPACES) == _documented(root, Level.BUBBLEWRAP) == set()
    assert len(tried) >= 25


def _told(outside: dict[str, object], *, bare: bool) -> str:
    return json.dumps({name: value for name, value in outside.items() if name != "udp"} | {"bare": bare})


def _clear(outside: dict[str, object]) -> set[str]:
    """Look for what has been left outside, and take it away; return the ways by which it came."""
    found = set()
    for folder, way in {"/tmp": "leave_in_tmp", "/dev/shm": "leave_in_shared_memory"}.items():
        path = Path(folder) / str(outside["mark"])
        if path.exists():
            path.unlink()
            found.add(way)
    udp = outside["udp"]
    assert isinstance(udp, socket.socket)
    udp.setblocking(False)
    try:
        while udp.recv(100):
            found.add("send_by_udp")
    except BlockingIOError:
        pass
    if subprocess.run(["ipcrm", "-M", str(outside["shared"])], capture_output=True).returncode == 0:
        found.add("share_memory")
    return found


def _documented(root: Path, level: Level) -> set[str]:
    """The ways out that docs/sandbox.md admits for a level, as its table has them."""
    page = (root / "docs/sandbox.md").read_text("utf-8")
    rows = re.findall(r"^\| .*? \| (.*?) \| (.*?) \| (.*?) \| (.*?) \| <!-- (.*?) -->$", page, re.MULTILINE)
    assert len(rows) > 5
    return {way for *cells, ways in rows if cells[level].strip() == "open" for way in ways.split()}
