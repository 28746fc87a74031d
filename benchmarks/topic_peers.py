"""Typed messages against AutoGen, in one run: ``python benchmarks/topic_peers.py --autogen B/bin/python``.

The same program, `rivals/topics.py`, runs on both: a host, a worker with the agents, and a client that talks
to them through the host. The rounds are interleaved; medians and ratios are printed. B is an environment in
which AutoGen is installed:

    python -m venv B && B/bin/pip install autogen-core==0.7.5 'autogen-ext[grpc]==0.7.5'
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent / "rivals" / "topics.py"
METRICS = [
    ("sequential", "a direct message and its answer, p50", "us", 1e6, "at least 1.4 times as fast"),
    ("in_flight", "64 in flight, each", "us", 1e6, "at least 5 times"),
    ("inside", "to an agent inside the host, p50", "us", 1e6, "at least 2.5 times"),
    ("inside_in_flight", "64 of those in flight, each", "us", 1e6, "at least 8 times"),
    ("delivery", "published to 100 subscribers, each", "us", 1e6, "at least 3.5 times"),
    ("cascade", "a cascade of 5 agents, 5 rounds", "ms", 1e3, "at least 3 times"),
    ("registrations", "1,000 registrations, gathered", "ms", 1e3, "200 ms"),
]
THROUGH = {"inside": "sequential", "inside_in_flight": "in_flight"}
"""What AutoGen is measured by where its host has no agents: a message through it to a worker's."""


def run(python: str, system: str) -> dict[str, float]:
    """Measure one system once, in processes of its own."""
    command = [python, str(PROGRAM), system]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"{system} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(lines[-1])
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--autogen", help="a Python in which AutoGen 0.7.5 is installed")
    given = parser.parse_args()
    systems = {"nbagents": sys.executable, **({"autogen": given.autogen} if given.autogen else {})}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in systems}
    with tempfile.TemporaryDirectory(prefix="nb-") as folder:
        for name in ("JUPYTER_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
            os.environ[name] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"], os.environ["GRPC_VERBOSITY"] = f"{folder}/compiled", "ERROR"
        for _ in range(given.rounds):
            for name, python in systems.items():
                found[name].append(run(python, name))
    for key, what, unit, scale, goal in METRICS:
        ours = statistics.median(each[key] for each in found["nbagents"]) * scale
        line = f"{what:40}{ours:10.1f} {unit}"
        if "autogen" in found:
            theirs = statistics.median(each[THROUGH.get(key, key)] for each in found["autogen"]) * scale
            line += f"{theirs:12.1f} {unit}{theirs / ours:8.2f} times as fast"
        print(f"{line}   goal: {goal}")


if __name__ == "__main__":
    main()
