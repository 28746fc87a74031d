"""nbagents against the systems that it continues, in one run: ``python benchmarks/peers.py``.

Each runs its own echo agents in a server process of its own, called from a fresh client process; the rounds
are interleaved, the medians and their ratios printed. AgentScope and AutoGen are measured with the Python
of an environment in which they are installed:

    python -m venv A && A/bin/pip install 'agentscope[distribute]==0.1.6' tqdm
    python -m venv B && B/bin/pip install autogen-core==0.7.5 'autogen-ext[grpc]==0.7.5'
    python benchmarks/peers.py --agentscope A/bin/python --autogen B/bin/python
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

PROGRAMS = Path(__file__).resolve().parent / "rivals"
METRICS = [
    ("sequential", "sequential round trip p50", "us", 1e6),
    ("in_flight", "64 in flight, each call", "us", 1e6),
    ("fan_out", "100 agents that take 0.5 s", "s", 1.0),
    ("broadcast", "one message to 1,000 agents", "ms", 1e3),
]


def run(python: str, program: str) -> dict[str, float | None]:
    """Measure one system once, in a process of its own."""
    done = subprocess.run([python, str(PROGRAMS / program)], capture_output=True, text=True, timeout=300)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"{program} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    found: dict[str, float | None] = json.loads(lines[-1])
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--agentscope", help="a Python in which AgentScope 0.1.6 is installed")
    parser.add_argument("--autogen", help="a Python in which AutoGen 0.7.5 is installed")
    given = parser.parse_args()
    systems = {
        "nbagents": (sys.executable, "ours.py"),
        "raw unary": (sys.executable, "raw_unary.py"),
        "raw stream": (sys.executable, "raw_stream.py"),
    }
    if given.agentscope:
        systems["AgentScope 0.1.6"] = (given.agentscope, "agentscope_016.py")
    if given.autogen:
        systems["AutoGen 0.7.5"] = (given.autogen, "autogen_075.py")
    with tempfile.TemporaryDirectory(prefix="nb-") as folder:
        for name in ("JUPYTER_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
            os.environ[name] = folder
        os.environ["GRPC_VERBOSITY"] = "ERROR"
        os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
        found: dict[str, list[dict[str, float | None]]] = {name: [] for name in systems}
        for _ in range(given.rounds):
            for name, (python, program) in systems.items():
                found[name].append(run(python, program))
    for key, what, unit, scale in METRICS:
        ours = _median(found["nbagents"], key)
        for name, rounds in found.items():
            value = _median(rounds, key)
            if value is not None and ours is not None:
                print(f"{what:32}{name:20}{value * scale:12.2f} {unit:4}ours is {ours / value:6.3f} of it")


def _median(rounds: list[dict[str, float | None]], key: str) -> float | None:
    values = [value for each in rounds if (value := each.get(key)) is not None]
    return statistics.median(values) if values else None


if __name__ == "__main__":
    main()
