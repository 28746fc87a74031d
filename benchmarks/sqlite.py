"""What a query of a SQLite file costs a tool, and how much of that is the process in which it runs.

    python benchmarks/sqlite.py [RUNS]

A query through `Database`, a schema, one more statement of a process that is there already, and the start of
a bare interpreter take turns. Prints the median in milliseconds of wall time for each.
"""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from nbagents.tools import Database
from nbagents.tools.database._sqlite_driver import SQLiteDriver

BARE = [sys.executable, "-I", "-S", "-c", "pass"]
QUERY = "SELECT city, count(*) AS n FROM sales GROUP BY city"


def measured(work: Callable[[], object]) -> float:
    """Return how many milliseconds it takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def made(path: Path) -> None:
    """Make a file with 10,000 rows."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, city INTEGER)")
        file.executemany("INSERT INTO sales VALUES (?, ?)", ((n, n % 7) for n in range(10_000)))
        file.commit()


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.db"
        made(path)
        shop = Database(f"sqlite:///{path}")
        kept = SQLiteDriver(f"{path.as_uri()}?mode=ro", changes=False, seconds=600)
        ways: dict[str, Callable[[], object]] = {
            "bare interpreter": lambda: subprocess.run(
                [sys.executable, "-I", "-S", "-c", "pass"], check=True
            ),
            "query": lambda: shop.query(QUERY),
            "schema": shop.schema,
            "statement more": lambda: list(kept.ask(QUERY, {})[1]),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(runs + 2):
            for name, way in ways.items():
                one = measured(way)
                if number >= 2:
                    took[name].append(one)
        kept.close()
    for name, times in took.items():
        print(f"{name:<17} {statistics.median(times):7.1f} ms")


if __name__ == "__main__":
    main()
