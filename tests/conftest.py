"""What all tests share: a private home, no network, and programs that may be missing."""

from __future__ import annotations

import atexit
import gc
import glob
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest


def _answers(port: int) -> bool:
    """Does somebody listen there, on this machine?"""
    with socket.socket() as door:
        door.settimeout(1)
        return door.connect_ex(("127.0.0.1", port)) == 0


# A marker that needs a program: the program's names, and how to get it.
PROGRAMS = {
    "browser": (("chromium", "chromium-browser", "google-chrome"), "Chromium: apt-get install chromium"),
    "bubblewrap": (("bwrap",), "bubblewrap: apt-get install bubblewrap"),
    "postgresql_server": (
        ("initdb", *sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))),
        "PostgreSQL's programs: apt-get install postgresql",
    ),
    "redis_server": (("redis-server",), "redis-server: apt-get install redis-server"),
}
# A marker that needs a module: its name, and how to get it.
MODULES = {"atheris": ("atheris", "Atheris: pip install atheris (for Linux on x86-64)")}
BUILT = Path(__file__).parents[1] / "build"
# What the continuous integration must have: the module where there are wheels of it.
REQUIRED = {
    "autogen",
    "browser",
    "bubblewrap",
    "node",
    *(MODULES if (sys.platform, platform.machine()) == ("linux", "x86_64") else ()),
}


def _may_unshare() -> bool:
    """May this user make namespaces? Many containers forbid it."""
    program = shutil.which("unshare")
    return (
        program is not None and not subprocess.run([program, "-Ur", "true"], capture_output=True).returncode
    )


# A marker that needs a place: whether this is one, and how to get there.
PLACES = {
    "autogen": (
        (BUILT / "autogen" / "installed").exists(),
        "AutoGen's own workers in an environment of theirs: .ci/autogen .venv build/autogen",
    ),
    "linux": (sys.platform == "linux", "Linux"),
    "node": (
        shutil.which("node") is not None and (BUILT / "node" / "node_modules").is_dir(),
        "Node: apt-get install nodejs npm, then .ci/node build/node",
    ),
    "namespaces": (_may_unshare(), "a Linux where users may make namespaces"),
    "posix": (os.name == "posix", "a POSIX system"),
    "redis": (_answers(6379), "Redis on 127.0.0.1:6379: .ci/databases"),
    "root": (getattr(os, "geteuid", lambda: -1)() == 0, "root: sudo make test"),
}
# A marker that needs a server of this machine: the module and the arguments to reach it, and how to get it.
SERVERS = {
    "postgresql": (
        ("psycopg", {"user": "postgres", "dbname": "postgres"}),
        "PostgreSQL that lets postgres in at 127.0.0.1 without a password: .ci/databases",
    ),
    "mysql": (
        ("pymysql", {"user": "root"}),
        "MariaDB that lets root in at 127.0.0.1 without a password: .ci/databases",
    ),
}
DELETED = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OLLAMA_HOST")
SCALES = ("NBAGENTS_LONG", "NBAGENTS_EXAMPLES")
"""What says how much is tested, not how nbagents behaves."""
left_out = pytest.StashKey[list[str]]()


def pytest_configure() -> None:
    """Before any import: nothing of the person's own is read, and nothing reaches the network."""
    # Short, since the path of a socket has at most a hundred bytes; removed last, after IPython's history.
    home = Path(tempfile.mkdtemp(prefix="nb-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "NBAGENTS_"))]:
        if name not in SCALES:
            del os.environ[name]
    for name in DELETED:
        os.environ.pop(name, None)
    for name, folder in {
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "XDG_RUNTIME_DIR": "run",
    }.items():
        (home / folder).mkdir(mode=0o700)
        os.environ[name] = str(home / folder)
    os.environ["HTTPS_PROXY"] = os.environ["https_proxy"] = "http://127.0.0.1:9"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose program is missing; in the continuous integration, refuse to."""
    config.stash[left_out] = []
    programs = {marker: (any(map(shutil.which, known)), how) for marker, (known, how) in PROGRAMS.items()}
    modules = {marker: (find_spec(name) is not None, how) for marker, (name, how) in MODULES.items()}
    servers = {marker: (partial(_answers, *about), how) for marker, (about, how) in SERVERS.items()}
    for marker, (there, remedy) in (programs | modules | PLACES | servers).items():
        needy = [item for item in items if item.get_closest_marker(marker)]
        if not needy or (there() if callable(there) else there):
            continue
        if marker in REQUIRED and os.environ.get("CI") == "true":
            raise pytest.UsageError(f"{len(needy)} {marker} tests need {remedy}")
        config.stash[left_out].append(f"left out {len(needy)} {marker} tests, which need {remedy}")
        items[:] = [item for item in items if item not in needy]
        config.hook.pytest_deselected(items=needy)


def _answers(module: str, who: dict[str, str]) -> bool:
    """Does a server of this machine let us in?"""
    try:
        import_module(module).connect(host="127.0.0.1", connect_timeout=5, **who).close()
    except Exception:  # noqa: BLE001  # each driver has its own
        return False
    return True


def pytest_collection_finish() -> None:
    """Leave what importing has made out of each later collection of garbage, of which tests ask for many."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests were left out, where everybody looks."""
    for line in config.stash.get(left_out, []):
        terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session")
def root() -> Iterator[Path]:
    """The repository."""
    return Path(__file__).parents[1]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folders for this test's servers alone: `connections` and `sockets`; short, as sockets want."""
    folder = Path(tempfile.mkdtemp(prefix="nb-"))
    for name, variable in {"connections": "JUPYTER_RUNTIME_DIR", "sockets": "XDG_RUNTIME_DIR"}.items():
        (folder / name).mkdir(mode=0o700)
        monkeypatch.setenv(variable, str(folder / name))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
