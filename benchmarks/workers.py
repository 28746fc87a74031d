"""Messages between workers, nbagents against AutoGen, in one run: ``python benchmarks/workers.py``.

Two workers of one process, with a host between them; the rounds are interleaved, the medians and their ratios
printed. AutoGen is measured with the Python of an environment in which it is installed:

    python -m venv B && B/bin/pip install autogen-core==0.7.5 'autogen-ext[grpc]==0.7.5'
    python benchmarks/workers.py --autogen B/bin/python
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent / "rivals"
METRICS = [
    ("sequential", "sequential round trip p50", "us", 1e6),
    ("in_flight", "64 in flight, each message", "us", 1e6),
    ("delivery", "to 100 subscribers, each delivery", "us", 1e6),
    ("registrations", "1,000 registrations, gathered", "ms", 1e3),
]


def run(python: str, program: str) -> dict[str, float]:
    """Measure one system once, in a process of its own."""
    done = subprocess.run(
        [python, str(PROGRAMS / program)], capture_output=True, text=True, timeout=600, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"{program} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(lines[-1])
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--autogen", help="a Python in which AutoGen 0.7.5 is installed")
    given = parser.parse_args()
    systems = {"nbagents": (sys.executable, "ours_workers.py")}
    if given.autogen:
        systems["AutoGen 0.7.5"] = (given.autogen, "autogen_075_workers.py")
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in systems}
    for _ in range(given.rounds):
        for name, system in systems.items():
            rounds[name].append(run(*system))
    print(f"{'':36}" + "".join(f"{name:>16}" for name in systems) + f"{'times as fast':>16}")
    for key, what, unit, scale in METRICS:
        medians = [statistics.median(one[key] for one in rounds[name]) for name in systems]
        shown = "".join(f"{value * scale:>13.1f} {unit}" for value in medians)
        print(f"{what:36}{shown}" + (f"{medians[1] / medians[0]:>16.1f}" if len(medians) > 1 else ""))


if __name__ == "__main__":
    main()
