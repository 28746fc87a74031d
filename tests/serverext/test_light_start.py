"""Jupyter starts without what only agents need."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    "grpc",
    "google.protobuf",
    "openai",
    "numpy",
    "jupytext",
    "nbagents.agents",
    "nbagents.models",
    "pydantic",
}
CODE = """
import sys
import jupyter_server.serverapp
before = set(sys.modules)
from nbagents import serverext
(point,) = serverext._jupyter_server_extension_points()
from nbagents.serverext._fleet import Fleet
from nbagents.serverext._routes import routes
from nbagents.rpc import Reception
routes(Fleet())
print(*(set(sys.modules) - before))
"""


def test_loading_the_extension_loads_nothing_heavy():
    run = subprocess.run([sys.executable, "-P", "-c", CODE], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    loaded = set(run.stdout.split())
    assert "nbagents.serverext._routes" in loaded
    assert HEAVY & loaded == set()
