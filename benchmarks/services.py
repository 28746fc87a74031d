"""What a service costs over its database: ``python benchmarks/services.py``.

States are saved one after the other into SQLite files, by the service and by SQLAlchemy alone, with the same
settings and about the same rows, in turns in the same run. On a busy machine only the ratio means anything.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nbagents.services import SQLSessionHistoryService, SQLStateService

STATE = {"memory": [{"name": "user", "content": "x" * 200}] * 4, "sys_prompt": "You talk.", "n": 1}
"""About a kilobyte."""


def bare(path: Path, count: int) -> float:
    """Return how many states a second SQLAlchemy alone commits: an upsert each, as most would write it."""
    import json

    engine = sa.create_engine(f"sqlite:///{path}")
    sa.event.listen(engine, "connect", _settings)
    table = sa.Table(
        "states",
        sa.MetaData(),
        sa.Column("user_id", sa.String, primary_key=True),
        sa.Column("session_id", sa.String, primary_key=True),
        sa.Column("round_id", sa.Integer, primary_key=True),
        sa.Column("state", sa.Text),
    )
    table.metadata.create_all(engine)
    begin = time.perf_counter()
    for n in range(count):
        row = {"user_id": "ann", "session_id": f"s{n % 10}", "round_id": n, "state": json.dumps(STATE)}
        with engine.begin() as connection:
            connection.execute(table.insert(), row)
    taken = time.perf_counter() - begin
    engine.dispose()
    return count / taken


def _settings(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")


async def save(states: SQLStateService, who: int, count: int) -> None:
    for n in range(count):
        await states.save_state("ann", STATE, f"s{(who + n) % 10}")


async def service(path: Path, count: int, at_once: int) -> float:
    """Return how many states a second the service keeps."""
    async with SQLStateService(path) as states:
        begin = time.perf_counter()
        await asyncio.gather(*(save(states, n, count // at_once) for n in range(at_once)))
        return count / (time.perf_counter() - begin)


async def history(path: Path, count: int) -> float:
    """Return how many messages a second the service appends."""
    async with SQLSessionHistoryService(path) as kept:
        sessions = [await kept.create_session("ann", f"s{n}") for n in range(10)]
        begin = time.perf_counter()
        for n in range(count):
            await kept.append_message(sessions[n % 10], {"role": "user", "content": "x" * 200})
        return count / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--count", type=int, default=400)
    asked = parser.parse_args()
    count = asked.count
    kinds: dict[str, Callable[[Path], float]] = {
        "bare": lambda path: bare(path, count),
        "one": lambda path: asyncio.run(service(path, count, 1)),
        "ten": lambda path: asyncio.run(service(path, count, 10)),
        "messages": lambda path: asyncio.run(history(path, count)),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for n in range(asked.rounds):
            # In another order each time: what one has written keeps the disk busy for the next.
            for name in random.sample(list(kinds), len(kinds)):
                found[name].append(kinds[name](Path(folder) / f"{name}{n}.db"))
    rates = {name: statistics.median(each) for name, each in found.items()}
    what = {
        "bare": "states, SQLAlchemy alone",
        "one": "states, the service, one at a time",
        "ten": "states, the service, ten at once",
        "messages": "messages, the service, one at a time",
    }
    for name, text in what.items():
        print(f"{text:40}{rates[name]:9,.0f} a second{rates[name] / rates['bare']:9.2f}")


if __name__ == "__main__":
    main()
