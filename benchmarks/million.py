"""How many agents one machine holds, made and each asked once: ``python benchmarks/million.py``.

Every agent picks a number; the sum is checked. Memory is that of all processes, servers and client.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]


def resident(pids: list[int]) -> float:
    """Return the memory of these processes, in GiB; what they share is counted once for each."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def measure(count: int, servers: int) -> None:
    from echo_agent import Guesser

    from nbagents import AgentGroup, Msg

    begin = time.perf_counter()
    with AgentGroup(Guesser, count, ["guesser"], servers=servers) as group:
        made = time.perf_counter()
        total = sum(int(reply.content) for reply in group.ask(Msg("host", "A number from 0 to 100?")))
        asked = time.perf_counter()
        pids = [os.getpid(), *(client.get_server_info()["pid"] for client in group._clients)]
        memory = resident(pids)
        assert 0 <= total <= 100 * count
        mean = total / count
    print(
        f"{count:9,} agents  created {made - begin:7.2f} s  asked {asked - made:7.2f} s"
        f"  in all {asked - begin:7.2f} s  {memory:6.2f} GiB  mean {mean:.1f}",
        flush=True,
    )


def main() -> None:
    """Measure, and print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", nargs="*", type=int, default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--servers", type=int, default=2)
    given = parser.parse_args()
    random.seed(1)
    with tempfile.TemporaryDirectory(prefix="nb-") as folder:
        for name in ("JUPYTER_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
            os.environ[name] = folder
        os.environ["PYTHONPATH"] = str(HERE.parent)
        for count in given.counts:
            measure(count, given.servers)


if __name__ == "__main__":
    main()
